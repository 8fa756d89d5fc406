//! A runtime for tests in which nothing is slow enough to be given up.

use std::time::Duration;

use futures::{
    FutureExt,
    future::{self, BoxFuture},
};
use keygroups::driver::Runtime;

/// Whose time never passes. Computes on the thread that asks.
pub struct Timeless;

impl Runtime for Timeless {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        future::pending().boxed()
    }
}
