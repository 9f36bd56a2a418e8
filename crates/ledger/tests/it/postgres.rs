use crate::{
    memory::write,
    servers::{PostgresSchema, runtime},
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Write},
};
use http402_ledger::{
    Postgres,
    conformance::{CHECKS, block_on, bounded},
    postgres::tokio_postgres,
    remote::{Kind, RemoteError},
};
use std::{sync::Arc, time::Duration};

const NOW: Timestamp = Timestamp::from_secs(1000);

#[test]
fn it_conforms() {
    let Some(place) = PostgresSchema::new() else {
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
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let ledger = place.with(place.builder().max_records(3)).unwrap();
    block_on(bounded(Arc::new(ledger), 3));
}

fn kind(result: Result<Postgres, RemoteError>) -> Kind {
    result.map(drop).unwrap_err().kind()
}

fn free(key: &str) -> [Write; 1] {
    [write(key, Expect::Absent, 9000, 40)]
}

#[test]
fn what_others_and_later_versions_have_stored_is_left_alone() {
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let schema = &place.schema;
    let make = |table: &str| {
        place
            .execute(&format!("CREATE TABLE {schema}.{table}"))
            .unwrap();
    };
    place.execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    make("record (mine integer)");
    assert_eq!(kind(place.with(place.builder())), Kind::Foreign);
    // What was there is as it was, and nothing was left beside it.
    place
        .execute(&format!(
            "SELECT mine FROM {schema}.record; DROP TABLE {schema}.record"
        ))
        .unwrap();
    make("store (mine integer)");
    assert_eq!(kind(place.with(place.builder())), Kind::Foreign);
    place
        .execute(&format!("DROP TABLE {schema}.store"))
        .unwrap();
    // A schema that was made for a role that may not make one is used.
    drop(place.open());
    place
        .execute(&format!("UPDATE {schema}.store SET schema = 99"))
        .unwrap();
    assert_eq!(kind(place.with(place.builder())), Kind::Newer);
    for bad in ["", "A", "a b", "a\"b", "1a", &"a".repeat(49)] {
        assert_eq!(
            kind(place.with(place.builder().schema(bad))),
            Kind::Address,
            "{bad}"
        );
    }
}

#[test]
fn processes_that_start_at_once_make_one_store() {
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let opened = runtime().block_on(async {
        let opening: Vec<_> = (0..6)
            .map(|_| {
                tokio::spawn({
                    let (builder, address) = (place.builder(), place.address.clone());
                    async move { builder.connect(&address).await }
                })
            })
            .collect();
        let mut opened = Vec::new();
        for one in opening {
            opened.push(one.await.unwrap());
        }
        opened
    });
    for ledger in opened {
        assert!(
            block_on(ledger.unwrap().get(NOW, &Key::new("k")))
                .unwrap()
                .is_none()
        );
    }
}

/// The function sees what was committed before it looked only under READ COMMITTED: another default is set aside.
#[test]
fn another_isolation_by_default_changes_nothing() {
    let Some(mut place) = PostgresSchema::new() else {
        return;
    };
    place.address.push_str("?options=-c%20default_transaction_isolation%3Dserializable%20-c%20synchronous_commit%3Doff");
    let ledger = Arc::new(place.open());
    for (name, check) in CHECKS
        .iter()
        .filter(|(name, _)| ["one_key", "overlapping"].contains(name))
    {
        println!("{name}");
        block_on(check(ledger.clone()));
    }
}

/// A statement that waits too long is given up by the server as well, and has written nothing.
#[test]
fn a_lock_that_somebody_holds_is_waited_for_in_bounds() {
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let schema = place.schema.clone();
    let ledger = place
        .with(place.builder().patience(Duration::from_millis(1500)))
        .unwrap();
    let holder = runtime().block_on(async {
        let (client, connection) = tokio_postgres::connect(&place.address, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let lock = format!("BEGIN; SELECT pg_advisory_xact_lock({schema}.lock_of('held'))");
        client.batch_execute(&lock).await.unwrap();
        client
    });
    let pair = [
        write("free", Expect::Absent, 9000, 4),
        write("held", Expect::Absent, 9000, 4),
    ];
    let error = block_on(ledger.apply(NOW, &pair)).unwrap_err();
    assert_eq!(
        error.downcast_ref::<RemoteError>().unwrap().kind(),
        Kind::Slow
    );
    // Others are not held up.
    assert!(matches!(
        block_on(ledger.apply(NOW, &free("other"))),
        Ok(Applied::Done(_))
    ));
    // The server began to wait after the caller, and gives up after him.
    let waits =
        "SELECT FROM pg_locks its JOIN pg_locks mine USING (locktype, classid, objid, objsubid)
        WHERE mine.pid = pg_backend_pid() AND mine.granted AND NOT its.granted";
    while !runtime()
        .block_on(holder.query(waits, &[]))
        .unwrap()
        .is_empty()
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    runtime()
        .block_on(holder.batch_execute("ROLLBACK"))
        .unwrap();
    let open = place.open();
    let applied = block_on(open.apply(NOW, &pair));
    assert!(
        matches!(applied, Ok(Applied::Done(_))),
        "nothing had been written: {applied:?}"
    );
}

/// A backend of the server that dies in the middle of a step has written nothing of it.
#[test]
fn a_step_whose_backend_dies_was_not_made() {
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let schema = place.schema.clone();
    let ledger = Arc::new(place.with(place.builder().connections(1)).unwrap());
    // The second of two records can not be written before the table is free: then the first one has been.
    place.execute(&format!(
        "CREATE FUNCTION {schema}.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF new.key = 'second' THEN PERFORM pg_sleep(60); END IF; RETURN new; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON {schema}.record FOR EACH ROW EXECUTE FUNCTION {schema}.wait()"
    )).unwrap();
    let pair = [
        write("first", Expect::Absent, 9000, 4),
        write("second", Expect::Absent, 9000, 4),
    ];
    let step = std::thread::spawn({
        let (ledger, pair) = (ledger.clone(), pair.clone());
        move || block_on(ledger.apply(NOW, &pair))
    });
    let kill = format!(
        "DO $$ DECLARE gone integer; BEGIN FOR round IN 1..400 LOOP
             SELECT count(pg_terminate_backend(pid)) INTO gone FROM pg_stat_activity
                 WHERE query LIKE '%{schema}.apply%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid();
             EXIT WHEN gone > 0;
             PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot();
         END LOOP; IF gone = 0 THEN RAISE EXCEPTION 'nobody to kill'; END IF; END $$"
    );
    place.execute(&kill).unwrap();
    let error = step.join().unwrap().unwrap_err();
    assert_eq!(
        error.downcast_ref::<RemoteError>().unwrap().kind(),
        Kind::Store,
        "{error:?}"
    );
    place
        .execute(&format!("DROP TRIGGER wait ON {schema}.record"))
        .unwrap();
    assert_eq!(block_on(ledger.get(NOW, &Key::new("first"))).unwrap(), None);
    assert!(matches!(
        block_on(ledger.apply(NOW, &pair)),
        Ok(Applied::Done(_))
    ));
}

#[test]
fn tables_that_are_gone_are_not_made_again_behind_somebodys_back() {
    let Some(place) = PostgresSchema::new() else {
        return;
    };
    let ledger = place.open();
    assert!(block_on(ledger.apply(NOW, &free("k"))).is_ok());
    place
        .execute(&format!("DROP SCHEMA {} CASCADE", place.schema))
        .unwrap();
    assert!(block_on(ledger.apply(NOW, &free("k"))).is_err());
    // Whichever connection it is, old or new.
    for _ in 0..8 {
        let error = block_on(ledger.apply(NOW, &free("k"))).unwrap_err();
        let kind = error.downcast_ref::<RemoteError>().unwrap().kind();
        assert!(matches!(kind, Kind::Lost | Kind::Store), "{error:?}");
    }
}
