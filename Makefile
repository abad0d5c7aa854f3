# SPDX-License-Identifier: Apache-2.0
# A plain make in front of Meson and Ninja: see `make help`.
B ?= build

.PHONY: all
all: $(B)/build.ninja
	@ninja -C $(B)

$(B)/build.ninja:
	meson setup $(B)
