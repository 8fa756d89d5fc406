//! Work of several tasks, each in a thread of its own.

use std::sync::Barrier;
use std::thread;

use super::clock;

/// How long work took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// From the moment when all began until the last was done.
    pub wall: f64,
    /// Processor time of all threads together.
    pub processor: f64,
    /// Processor time of the thread that took most: what `wall` would be on a machine with nothing else to do.
    pub slowest: f64,
}

/// What `work` makes of each input, all at once.
pub fn at_once<I: Send, T: Send>(inputs: Vec<I>, work: impl Fn(I) -> T + Sync) -> (Vec<T>, Took) {
    let barrier = Barrier::new(inputs.len() + 1);
    let one = |input| {
        barrier.wait();
        let began = clock::thread_seconds();
        let done = work(input);
        (done, clock::thread_seconds() - began)
    };
    thread::scope(|scope| {
        let one = &one;
        let workers: Vec<_> = inputs.into_iter().map(|input| scope.spawn(move || one(input))).collect();
        barrier.wait();
        let began = clock::now();
        let done = workers.into_iter().map(|worker| worker.join().expect("no task panics"));
        let (done, seconds): (Vec<T>, Vec<f64>) = done.unzip();
        let wall = began.elapsed().as_secs_f64();
        let slowest = seconds.iter().copied().fold(0.0, f64::max);
        (done, Took { wall, processor: seconds.iter().sum(), slowest })
    })
}
