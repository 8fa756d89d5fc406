//! A processor that may be slow.
//!
//! Computing takes no virtual time, so a slow process is one that is late for everything: whatever wakes
//! it, it waits before it looks. What comes in meanwhile is done in the same go, as by a process that has
//! got the processor at last.

use super::Machine;
use crate::wire::sleep;
use madsim::time::Sleep;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The main task of a process on its machine.
pub(crate) struct Paced<F> {
    main: Pin<Box<F>>,
    machine: Machine,
    waits: Option<Pin<Box<Sleep>>>,
    began: bool,
}

impl<F: Future<Output = ()>> Paced<F> {
    pub(crate) fn new(machine: Machine, main: F) -> Self {
        Self { main: Box::pin(main), machine, waits: None, began: false }
    }
}

impl<F: Future<Output = ()>> Future for Paced<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(waits) = &mut this.waits {
            if waits.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            this.waits = None;
        } else {
            let step_us = this.machine.step_us();
            if step_us > 0 {
                let mut waits = Box::pin(sleep(Duration::from_micros(step_us)));
                if waits.as_mut().poll(context).is_pending() {
                    this.waits = Some(waits);
                    return Poll::Pending;
                }
            }
        }
        if !std::mem::replace(&mut this.began, true) {
            this.machine.begin_life();
        }
        this.main.as_mut().poll(context)
    }
}
