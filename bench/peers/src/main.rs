// SPDX-License-Identifier: Apache-2.0
//
// The scenario of bench/peers/libmls.c for other libraries: the same steps in the same order, all messages as bytes, all
// commits encrypted, the tree in the Welcome. Each library is used by its published interface, with its own defaults where
// the scenario says nothing. Time is processor time of all threads.
mod mlsrs;
mod openmls_peer;

/// What the scenario needs of a library.
pub trait Peer {
    type Person;
    type Group;
    const NAME: &'static str;
    fn person(&self, name: &str) -> Self::Person;
    fn key_package(&self, p: &Self::Person) -> Vec<u8>;
    fn found(&self, p: &Self::Person) -> Self::Group;
    /// A commit with a path that adds these, pending: the commit and the Welcome.
    fn add(&self, p: &Self::Person, g: &mut Self::Group, packages: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>);
    /// A commit with nothing but a path, pending.
    fn update(&self, p: &Self::Person, g: &mut Self::Group) -> Vec<u8>;
    fn apply(&self, p: &Self::Person, g: &mut Self::Group);
    fn drop_pending(&self, p: &Self::Person, g: &mut Self::Group);
    fn join(&self, p: &Self::Person, welcome: &[u8]) -> Self::Group;
    /// Checks another's commit and moves on to its epoch.
    fn process(&self, p: &Self::Person, g: &mut Self::Group, commit: &[u8]);
    fn protect(&self, p: &Self::Person, g: &mut Self::Group, data: &[u8]) -> Vec<u8>;
    fn unprotect(&self, p: &Self::Person, g: &mut Self::Group, message: &[u8]) -> Vec<u8>;
}

fn now() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 * 1e3 + t.tv_nsec as f64 / 1e6
}

fn timed<T>(times: &mut Vec<f64>, f: impl FnOnce() -> T) -> T {
    let from = now();
    let out = f();
    times.push(now() - from);
    out
}

fn report<P: Peer>(what: &str, tree: &str, n: usize, times: &mut [f64]) {
    times.sort_by(|a, b| a.partial_cmp(b).unwrap());
    println!("| {} | {} | {} | {} | {:.3} |", what, n, tree, P::NAME, times[times.len() / 2]);
}

/// One member: a person and what it knows of the group.
type Seat<P> = (<P as Peer>::Person, <P as Peer>::Group);

/// Update commits of a, processed by b; and additions that are dropped again.
fn commits<P: Peer>(peer: &P, tree: &str, n: usize, runs: usize, a: &mut Seat<P>, b: &mut Seat<P>) {
    let (mut make, mut process, mut add, mut join) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        let commit = timed(&mut make, || peer.update(&a.0, &mut a.1));
        peer.apply(&a.0, &mut a.1);
        timed(&mut process, || peer.process(&b.0, &mut b.1, &commit));
    }
    for i in 0..runs {
        let guest = peer.person(&format!("guest {i}"));
        let package = vec![peer.key_package(&guest)];
        let (_, welcome) = timed(&mut add, || peer.add(&a.0, &mut a.1, &package));
        peer.drop_pending(&a.0, &mut a.1);
        timed(&mut join, || peer.join(&guest, &welcome));
    }
    report::<P>("update commit: make", tree, n, &mut make);
    report::<P>("update commit: process", tree, n, &mut process);
    report::<P>("add commit with Welcome: make", tree, n, &mut add);
    report::<P>("join by Welcome", tree, n, &mut join);
}

fn flat<P: Peer>(peer: &P, n: usize, runs: usize) {
    let founder = peer.person("founder");
    let mut group = peer.found(&founder);
    let mut people: Vec<_> = (1..n).map(|i| peer.person(&format!("member {i}"))).collect();
    let packages: Vec<_> = people.iter().map(|p| peer.key_package(p)).collect();
    let mut build = vec![];
    let (_, welcome) = timed(&mut build, || peer.add(&founder, &mut group, &packages));
    peer.apply(&founder, &mut group);
    report::<P>("build by one commit", "flat", n, &mut build);
    let last = people.pop().unwrap();
    let seat = peer.join(&last, &welcome);
    commits(peer, "flat", n, runs, &mut (founder, group), &mut (last, seat));
}

/// Each member adds the next one, so that nearly all have set their path: only the last two need to be there.
fn warm<P: Peer>(peer: &P, n: usize, runs: usize) {
    let founder = peer.person("founder");
    let group = peer.found(&founder);
    let (mut before, mut last) = (None, (founder, group));
    for i in 1..n {
        let next = peer.person(&format!("member {i}"));
        let (_, welcome) = peer.add(&last.0, &mut last.1, &[peer.key_package(&next)]);
        peer.apply(&last.0, &mut last.1);
        let group = peer.join(&next, &welcome);
        before = Some(std::mem::replace(&mut last, (next, group)));
    }
    let mut before = before.unwrap();
    let commit = peer.update(&last.0, &mut last.1);
    peer.apply(&last.0, &mut last.1);
    peer.process(&before.0, &mut before.1, &commit);
    commits(peer, "warm", n, runs, &mut last, &mut before);
    let (mut out, mut back) = (vec![], vec![]);
    for _ in 0..201 {
        let message = timed(&mut out, || peer.protect(&last.0, &mut last.1, &[7; 100]));
        let data = timed(&mut back, || peer.unprotect(&before.0, &mut before.1, &message));
        assert_eq!(data, [7; 100]);
    }
    report::<P>("protect 100 B", "warm", n, &mut out);
    report::<P>("unprotect 100 B", "warm", n, &mut back);
}

fn all<P: Peer>(peer: &P, sizes: &[usize]) {
    for &n in sizes {
        let runs = if n >= 1000 { 7 } else { 21 };
        flat(peer, n, runs);
        warm(peer, n, runs);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let which = args.get(1).map(String::as_str).unwrap_or("");
    let sizes: Vec<usize> = args[2.min(args.len())..].iter().map(|s| s.parse().unwrap()).collect();
    let sizes = if sizes.is_empty() { vec![10, 100, 1000] } else { sizes };
    match which {
        "openmls" => all(&openmls_peer::OpenMls, &sizes),
        "mls-rs" => all(&mlsrs::MlsRs::default(), &sizes),
        _ => eprintln!("peers openmls|mls-rs [N...]"),
    }
}
