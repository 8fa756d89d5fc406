//! Same seed, same build: byte-identical traces, in another process too.

use bytes::Bytes;
use keygroups_sim::fault::{FaultPlan, Injector, Profile, Targets};
use keygroups_sim::run::{Run, World, run};
use keygroups_sim::storage::{SimObjectStore, StoreNode};
use keygroups_sim::trace::Recording;
use keygroups_sim::wire::{Bell, ConnectionTag, Inbound, Mailbox, Net, Node};
use madsim::time::sleep;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SEEDS: std::ops::Range<u64> = 0..12;
const CHILD: &str = "KEYGROUPS_SIM_WRITE_TRACES_TO";
const STEPS: &[&str] = &["put", "passed-on"];

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the processes have in common.
#[derive(Clone)]
struct Ring {
    world: World,
    store: Node,
    injector: Arc<Mutex<Option<Injector>>>,
}

impl Ring {
    fn step(&self, actor: Node, label: &'static str) {
        self.world.trace.event(&self.world.net.name(actor), label, &());
        let injector = self.injector.lock().unwrap().clone();
        if let Some(injector) = injector {
            injector.on_step(actor, label);
        }
    }

    /// Puts objects, passes messages on to the next process and greets a random one.
    async fn member(self, node: Node) {
        let net: Net = self.world.net.clone();
        let client = SimObjectStore::connect(&net, node, 2, self.store, 400_000);
        let bell = Bell::new();
        let mailbox = Mailbox::<String>::bind(&net, node, 1, &bell);
        let next = Node(1 + node.0 % 4);
        let tag = |from: Node| ConnectionTag::of(&("ring", from));
        let sender = net.open(node, next, tag(node), &bell);
        let before = Node(if node.0 == 1 { 4 } else { node.0 - 1 });
        let receiver = net.accept(before, node, tag(before), &bell);
        mailbox.wake_after(1_000, 0);
        for number in 0_u64.. {
            match mailbox.recv().await {
                Inbound::Timer(_) => mailbox.wake_after(100_000, number),
                Inbound::Message { message, .. } => {
                    self.world.trace.event(&net.name(node), "greeted", &message);
                }
            }
            let path = Path::from(format!("{node:?}/{number}"));
            let put = client.put(&path, PutPayload::from(number.to_le_bytes().to_vec())).await;
            self.world.trace.event(&net.name(node), "put", &put.map_err(|error| error.to_string()).is_ok());
            self.step(node, "put");
            while let Some(message) = receiver.try_recv() {
                self.world.trace.event(&net.name(node), "received", &message.len());
                self.step(node, "passed-on");
            }
            let _ = sender.try_send(Bytes::from(vec![7; (number % 50) as usize]));
            let mut address = mailbox.address();
            address.node = Node(1 + fastrand_of(number) % 4);
            mailbox.send(address, &format!("hello from {}", node.0));
        }
    }
}

/// Any fixed function that looks random.
fn fastrand_of(number: u64) -> u16 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16
}

fn simulate(seed: u64, recording: Recording) -> Run<usize> {
    run(seed, Duration::from_secs(3600), recording, |world| async move {
        let store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
        let ring = Ring { world: world.clone(), store: store.node(), injector: Arc::default() };
        let members: Vec<_> = (1..=4)
            .map(|number| {
                let ring = ring.clone();
                world.nodes.add(&format!("member-{number}"), move |node| ring.clone().member(node))
            })
            .collect();
        let targets = Targets {
            manifests_retained: 4,
            disks: false,
            coordinators: members[..1].to_vec(),
            hosts: members[1..].to_vec(),
            spares: Vec::new(),
            hosts_min: 2,
            store: store.node(),
            steps: STEPS,
        };
        let plan = FaultPlan::draw(seed, Profile::Chaos, &targets, 20_000_000);
        let injector = Injector::start(&world, &store, plan);
        *ring.injector.lock().unwrap() = Some(injector.clone());
        injector.healed().await;
        *ring.injector.lock().unwrap() = None;
        sleep(Duration::from_secs(2)).await;
        Ok(injector.struck())
    })
}

/// The traces of all seeds, each followed by its hash.
fn traces() -> Vec<u8> {
    let mut all = Vec::new();
    for seed in SEEDS {
        let lines = Lines::default();
        let run = simulate(seed, Recording { keep: false, stream: Some(Box::new(lines.clone())) });
        run.outcome.unwrap();
        assert!(run.events > 100, "{} events", run.events);
        all.append(&mut lines.0.lock().unwrap());
        writeln!(all, "{:032x}", run.hash).unwrap();
    }
    all
}

#[test]
fn traces_are_byte_identical_in_another_process() {
    if let Some(file) = std::env::var_os(CHILD) {
        std::fs::write(file, traces()).unwrap();
        return;
    }
    let file = std::env::temp_dir().join(format!("keygroups-traces-{}", std::process::id()));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "traces_are_byte_identical_in_another_process"])
        .env(CHILD, &file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let theirs = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let ours = traces();
    if ours != theirs {
        let first = ours.split(|byte| *byte == b'\n').zip(theirs.split(|byte| *byte == b'\n'));
        let (ours, theirs) = first.into_iter().find(|(ours, theirs)| ours != theirs).unwrap_or_default();
        panic!(
            "the traces differ\nhere:  {}\nthere: {}",
            String::from_utf8_lossy(ours),
            String::from_utf8_lossy(theirs)
        );
    }
}

#[test]
fn hash_neither_depends_on_watching_nor_on_runs_before() {
    let hash = |seed, keep| simulate(seed, Recording { keep, stream: None }).hash;
    let first = hash(3, false);
    assert_ne!(hash(4, false), first);
    assert_eq!(hash(3, true), first);
    assert_eq!(hash(3, false), first);
}
