//! Servers that are slow, gone, or whose answers are lost: an error, never a grant, and what was written is found again.

use crate::{
    memory::write,
    proxy::{Mode, Proxy},
    servers::{PostgresSchema, RedisName, runtime},
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Write},
};
use http402_ledger::{
    conformance::block_on,
    remote::{Kind, RemoteError},
};
use std::{sync::Arc, thread, time::Duration};

const NOW: Timestamp = Timestamp::from_secs(1000);
const SHORT: Duration = Duration::from_secs(2);

/// `redis://host:port`, `postgres://user@host:port/database`: the host and port, and the same with another port.
fn parts(address: &str) -> (String, impl Fn(u16) -> String + use<>) {
    let start = address
        .find('@')
        .or(address.find("//").map(|at| at + 1))
        .unwrap()
        + 1;
    let end = address[start..]
        .find('/')
        .map_or(address.len(), |at| start + at);
    let (before, after) = (address[..start].to_owned(), address[end..].to_owned());
    let server = address[start..end].to_owned();
    (server, move |port| {
        format!("{before}127.0.0.1:{port}{after}")
    })
}

fn one(key: &str, size: usize) -> Write {
    write(key, Expect::Absent, 9000, size)
}

fn apply(ledger: &dyn Ledger, write: &Write) -> Result<Applied, RemoteError> {
    block_on(ledger.apply(NOW, std::slice::from_ref(write)))
        .map_err(|error| *error.downcast::<RemoteError>().unwrap())
}

/// The write was made, and by nobody else.
fn found_again(ledger: &dyn Ledger, write: &Write) {
    let again = apply(ledger, write).unwrap();
    let Applied::Conflict {
        index: 0,
        found: Some(found),
    } = again
    else {
        panic!("the write had been made: {again:?}");
    };
    assert_eq!(
        Some(found.record),
        write.put,
        "what is found is what was written"
    );
}

/// A ledger that reaches its server through the proxy, and one that reaches it without.
fn goes_wrong(proxy: &Proxy, through: &Arc<dyn Ledger>, direct: &dyn Ledger) {
    // A first call makes the connection, and Redis know the script.
    assert!(matches!(
        apply(&**through, &one("first", 10)),
        Ok(Applied::Done(_))
    ));

    proxy.set(Mode::Delay);
    assert!(matches!(
        apply(&**through, &one("delayed", 10)),
        Ok(Applied::Done(_))
    ));

    // The answer is lost after the commit. The outcome is unknown, and a retry finds its own record.
    for (mode, name, kinds) in [
        (Mode::Cut, "cut", [Kind::Store, Kind::Store]),
        (Mode::Swallow, "swallowed", [Kind::Slow, Kind::Slow]),
    ] {
        let lost = one(name, 100);
        proxy.set(mode);
        let error = apply(&**through, &lost).unwrap_err();
        assert!(kinds.contains(&error.kind()), "{name}: {error:?}");
        proxy.set(Mode::Pass);
        let read = block_on(direct.get(NOW, &Key::new(name))).unwrap();
        assert_eq!(read.map(|it| it.record), lost.put, "{name} was committed");
        found_again(&**through, &lost);
    }

    // Nobody is there: an error, in bounded time, and nothing is written.
    proxy.set(Mode::Refuse);
    // The connection that is there ends.
    assert!(apply(&**through, &one("last", 10)).is_err());
    let refused = one("refused", 10);
    for _ in 0..3 {
        assert!(apply(&**through, &refused).is_err());
        assert!(block_on(through.pending(NOW, "", None, 10)).is_err());
    }
    let error = apply(&**through, &refused).unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
    assert!(block_on(through.get(NOW, &Key::new("first"))).is_err());
    proxy.set(Mode::Pass);
    assert_eq!(
        block_on(direct.get(NOW, &Key::new("refused"))).unwrap(),
        None
    );
    assert!(matches!(apply(&**through, &refused), Ok(Applied::Done(_))));

    many(proxy, through);
}

/// Many calls share a connection that is cut: each is an error or an answer, and none is made twice or by halves.
fn many(proxy: &Proxy, through: &Arc<dyn Ledger>) {
    let calls: Vec<_> = (0..32)
        .map(|at| {
            let ledger = through.clone();
            thread::spawn(move || {
                let pair = ["a", "b"].map(|half| one(&format!("many/{at}/{half}"), 300));
                let applied = block_on(ledger.apply(NOW, &pair)).ok();
                (pair, applied)
            })
        })
        .collect();
    proxy.set(Mode::Cut);
    let calls: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    proxy.set(Mode::Pass);
    for (pair, applied) in calls {
        // A connection that is cut may be found so only now.
        let again = (0..10).find_map(|_| block_on(through.apply(NOW, &pair)).ok());
        let again = again.expect("the server is there again");
        match (applied, again) {
            (
                Some(Applied::Done(versions)),
                Applied::Conflict {
                    index: 0,
                    found: Some(found),
                },
            ) => {
                assert_eq!(found.version, versions[0]);
            }
            (
                None,
                Applied::Conflict {
                    index: 0,
                    found: Some(found),
                },
            ) => {
                assert_eq!(Some(found.record), pair[0].put);
            }
            (None, Applied::Done(_)) => {}
            other => panic!("{other:?}"),
        }
        for write in &pair {
            let found = block_on(through.get(NOW, &write.key)).unwrap();
            assert_eq!(found.map(|it| it.record), write.put, "both or none");
        }
    }
}

#[test]
fn s12_redis_goes_wrong() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let direct = place.open();
    let (server, address) = parts(&place.address);
    let proxy = Proxy::before(server);
    let address = address(proxy.port);
    let opening = place.builder().patience(SHORT).connect(&*address);
    let through = runtime().block_on(opening).unwrap();
    let through: Arc<dyn Ledger> = Arc::new(through);
    goes_wrong(&proxy, &through, &direct);
}

#[test]
fn s12_postgres_goes_wrong() {
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let direct = place.open();
    let (server, address) = parts(&place.address);
    let proxy = Proxy::before(server);
    let address = address(proxy.port);
    let builder = place.builder().patience(SHORT).connections(1);
    let through = runtime().block_on(builder.connect(&address)).unwrap();
    let through: Arc<dyn Ledger> = Arc::new(through);
    goes_wrong(&proxy, &through, &direct);
}

#[test]
fn nobody_at_the_address_is_an_error_at_once() {
    let (Some(redis), Some(postgres)) = (RedisName::new(), PostgresSchema::new()) else {
        return;
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("redis://127.0.0.1:{closed}");
    let opened = runtime().block_on(redis.builder().connect(&*address));
    assert_eq!(opened.unwrap_err().kind(), Kind::Unreachable);
    let address = format!("postgres://postgres@127.0.0.1:{closed}/postgres");
    let opened = runtime().block_on(postgres.builder().connect(&address));
    assert_eq!(opened.unwrap_err().kind(), Kind::Unreachable);
}
