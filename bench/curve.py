#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# curve.py OUT.svg: draws what `bench-store logs` prints on standard input: microseconds an append by the number of logs.
import math
import sys

points = []
for line in sys.stdin:
    words = line.split()
    if len(words) == 4 and words[0].isdigit():
        points.append((int(words[0]), float(words[1]), float(words[2])))
if len(points) < 2:
    sys.exit("curve.py: no numbers on standard input; pipe `build/bench-store logs --many 1000000` into it")

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 320, 60, 30, 20, 50
top = math.ceil(max(p[1] for p in points) / 10) * 10
low, high = math.log10(points[0][0]), math.log10(points[-1][0])


def x_of(logs):
    return LEFT + (math.log10(logs) - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def y_of(cost):
    return HEIGHT - BOTTOM - cost / top * (HEIGHT - TOP - BOTTOM)


out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
       "<title>What an append costs, by the number of logs</title>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
       f'<text x="{LEFT}" y="18" fill="#222">microseconds an append of 1 KiB, 100 to a commit, by the number of logs</text>']
for cost in range(0, top + 1, 10):
    y = y_of(cost)
    out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
    out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{cost}</text>')
line = " ".join(f"{x_of(n):.1f},{y_of(cost):.1f}" for n, cost, _ in points)
out.append(f'<polyline points="{line}" fill="none" stroke="#0b6e99" stroke-width="2"/>')
for n, cost, ratio in points:
    x, y = x_of(n), y_of(cost)
    anchor = "end" if n == points[-1][0] else "start" if n == points[0][0] else "middle"
    out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#0b6e99"/>')
    out.append(f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="{anchor}" fill="#222">{cost:.1f} ({ratio:.2f} ×)</text>')
    out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="{anchor}" fill="#555">{n:,}</text>')
out.append(f'<text x="{(WIDTH + LEFT - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle" fill="#555">logs</text></svg>')
with open(sys.argv[1], "w", encoding="utf-8") as f:
    f.write("\n".join(out) + "\n")
