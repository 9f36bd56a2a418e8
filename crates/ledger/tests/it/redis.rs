use crate::{
    memory::write,
    servers::{RedisName, own_redis, runtime},
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger},
};
use http402_ledger::{
    Redis,
    conformance::{CHECKS, block_on, bounded},
    remote::{Kind, RemoteError},
};
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_secs(1000);

#[test]
fn it_conforms() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let ledger = Arc::new(place.open());
    for (name, check) in CHECKS {
        println!("{name}");
        block_on(check(ledger.clone()));
    }
}

#[test]
fn s12_it_is_bounded_and_evicts_nothing_live() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let ledger = place.with(place.builder().max_records(3)).unwrap();
    block_on(bounded(Arc::new(ledger), 3));
}

fn kind(result: Result<Redis, RemoteError>) -> Kind {
    result.map(drop).unwrap_err().kind()
}

fn taken(ledger: &Redis, key: &str) -> u64 {
    let applied = block_on(ledger.apply(NOW, &[write(key, Expect::Absent, 9000, 40)]));
    let Ok(Applied::Done(versions)) = applied else {
        panic!("{key} is free: {applied:?}");
    };
    versions[0]
}

#[test]
fn what_others_and_later_versions_have_stored_is_left_alone() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let mut connection = place.connection();
    let store = format!("{{{}}}:store", place.name);
    redis::cmd("SET")
        .arg(&store)
        .arg("mine")
        .exec(&mut connection)
        .unwrap();
    assert_eq!(kind(place.with(place.builder())), Kind::Foreign);
    redis::cmd("DEL").arg(&store).exec(&mut connection).unwrap();
    redis::cmd("HSET")
        .arg(&store)
        .arg("mine")
        .arg("1")
        .exec(&mut connection)
        .unwrap();
    assert_eq!(kind(place.with(place.builder())), Kind::Foreign);
    redis::cmd("HSET")
        .arg(&store)
        .arg("schema")
        .arg("99")
        .exec(&mut connection)
        .unwrap();
    assert_eq!(kind(place.with(place.builder())), Kind::Newer);
    for bad in ["", "{a}", "a b", &"a".repeat(65)] {
        assert_eq!(
            kind(place.with(place.builder().name(bad))),
            Kind::Address,
            "{bad}"
        );
    }
}

/// All of a step is one slot of a Redis Cluster.
#[test]
fn every_key_has_the_one_hash_tag() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let ledger = place.open();
    taken(&ledger, "with{another}tag");
    let mut connection = place.connection();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("*{}*", place.name))
        .query(&mut connection)
        .unwrap();
    assert_eq!(keys.len(), 4, "{keys:?}");
    let tag = format!("{{{}}}:", place.name);
    assert!(keys.iter().all(|key| key.starts_with(&tag)), "{keys:?}");
}

#[test]
fn a_script_that_the_server_has_forgotten_is_told_again() {
    let Some(server) = own_redis(&[]) else { return };
    let address = format!("redis://127.0.0.1:{}", server.port);
    let ledger = runtime()
        .block_on(Redis::builder().survive_restart(false).connect(&*address))
        .unwrap();
    taken(&ledger, "a");
    let mut connection = redis::Client::open(&*address)
        .unwrap()
        .get_connection()
        .unwrap();
    redis::cmd("SCRIPT")
        .arg("FLUSH")
        .exec(&mut connection)
        .unwrap();
    taken(&ledger, "b");
}

#[test]
fn a_server_that_throws_records_away_is_refused() {
    let Some(server) = own_redis(&[
        "--maxmemory",
        "64mb",
        "--maxmemory-policy",
        "allkeys-lru",
        "--appendonly",
        "yes",
    ]) else {
        return;
    };
    let address = format!("redis://127.0.0.1:{}", server.port);
    assert_eq!(
        kind(runtime().block_on(Redis::connect(&*address))),
        Kind::Careless
    );
    let mut connection = redis::Client::open(&*address)
        .unwrap()
        .get_connection()
        .unwrap();
    let mut set = |name: &str, value: &str| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg(name)
            .arg(value)
            .exec(&mut connection)
            .unwrap();
    };
    set("maxmemory-policy", "noeviction");
    assert!(runtime().block_on(Redis::connect(&*address)).is_ok());
    set("appendonly", "no");
    assert_eq!(
        kind(runtime().block_on(Redis::connect(&*address))),
        Kind::Careless
    );
}

/// A server that is killed and started again has every record that was answered, and no version comes again.
#[test]
fn what_was_answered_survives_a_kill_of_the_server() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut server) = own_redis(&arguments) else {
        return;
    };
    let address = format!("redis://127.0.0.1:{}", server.port);
    let ledger = runtime().block_on(Redis::connect(&*address)).unwrap();
    let versions: Vec<_> = (0..50)
        .map(|at| taken(&ledger, &format!("k{at}")))
        .collect();
    server.stop();
    assert!(
        block_on(ledger.get(NOW, &Key::new("k0"))).is_err(),
        "a store that is gone is an error"
    );
    server.start_redis(&arguments);
    // The connection that ended may be found so only now.
    let again = (0..100).find_map(|_| block_on(ledger.get(NOW, &Key::new("k0"))).ok());
    assert_eq!(
        again.expect("it connects again").map(|it| it.version),
        Some(versions[0])
    );
    for (at, version) in versions.iter().enumerate() {
        let found = block_on(ledger.get(NOW, &Key::new(format!("k{at}")))).unwrap();
        assert_eq!(found.map(|it| it.version), Some(*version), "k{at}");
    }
    assert!(!versions.contains(&taken(&ledger, "new")));
}

/// A server that comes back empty grants nothing, and versions do not come again when the store is made anew.
#[test]
fn a_server_that_has_forgotten_grants_nothing() {
    let Some(mut server) = own_redis(&[]) else {
        return;
    };
    let address = format!("redis://127.0.0.1:{}", server.port);
    let open = || runtime().block_on(Redis::builder().survive_restart(false).connect(&*address));
    let ledger = open().unwrap();
    let version = taken(&ledger, "k");
    server.stop();
    server.start_redis(&[]);
    for _ in 0..5 {
        let applied = block_on(ledger.apply(NOW, &[write("k", Expect::Absent, 9000, 40)]));
        assert!(applied.is_err(), "{applied:?}");
    }
    let applied = block_on(ledger.apply(NOW, &[write("k", Expect::Absent, 9000, 40)])).unwrap_err();
    assert_eq!(
        applied.downcast_ref::<RemoteError>().unwrap().kind(),
        Kind::Lost
    );
    let anew = open().unwrap();
    assert_ne!(taken(&anew, "k"), version);
}

/// S12: when the server's own memory is full, what is new is refused and what has begun can be finished.
#[test]
fn s12_an_outcome_has_a_place_when_memory_is_full() {
    let Some(server) = own_redis(&["--maxmemory", "8mb", "--maxmemory-policy", "noeviction"])
    else {
        return;
    };
    let address = format!("redis://127.0.0.1:{}", server.port);
    let ledger = runtime()
        .block_on(Redis::builder().survive_restart(false).connect(&*address))
        .unwrap();
    let version = taken(&ledger, "begun");
    let filled = (0..5000).take_while(|at| {
        block_on(ledger.apply(
            NOW,
            &[write(&format!("k{at}"), Expect::Absent, 9000, 20_000)],
        ))
        .is_ok()
    });
    let filled = filled.count();
    assert!((50..5000).contains(&filled), "{filled} records fill 8 MB");
    let refused = [
        write("a", Expect::Absent, 9000, 1),
        write("b", Expect::Absent, 9000, 20_000),
    ];
    assert!(block_on(ledger.apply(NOW, &refused)).is_err());
    for key in ["a", "b"] {
        assert_eq!(
            block_on(ledger.get(NOW, &Key::new(key))).unwrap(),
            None,
            "nothing of it was written"
        );
    }
    let finish = [write("begun", Expect::Version(version), 9000, 2000)];
    let finished = block_on(ledger.apply(NOW, &finish));
    assert!(matches!(finished, Ok(Applied::Done(_))), "{finished:?}");
    // It is still full. What is there can go; and what has passed makes way for what is new.
    assert!(block_on(ledger.apply(NOW, &refused)).is_err());
    let mut gone = write("begun", Expect::Version(version + 1), 0, 0);
    gone.put = None;
    let gone = block_on(ledger.apply(NOW, &[gone]));
    assert_eq!(gone.unwrap(), Applied::Done(vec![0]));
    let later = block_on(ledger.apply(Timestamp::from_secs(9000), &refused));
    assert!(matches!(later, Ok(Applied::Done(_))), "{later:?}");
    let count = |command: &str, key: &str| -> u64 {
        let client = redis::Client::open(&*address).unwrap();
        let mut command = redis::cmd(command);
        command.arg(key);
        if key.ends_with("store") {
            command.arg("records");
        }
        command
            .query(&mut client.get_connection().unwrap())
            .unwrap()
    };
    assert_eq!(
        count("HGET", "{http402}:store"),
        count("ZCARD", "{http402}:until")
    );
}
