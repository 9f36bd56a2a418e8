//! What the attack suite does not do. What it does is tested where there is something to attack, with the tool.

use http402_testkit::attacks::{ATTACKS, Server, Unfit};

#[tokio::test]
async fn only_this_machine_is_attacked_unless_told() {
    for bad in ["", "/protected", "ftp://127.0.0.1/", "127.0.0.1:4021"] {
        assert_eq!(Server::new(bad).err(), Some(Unfit::Url), "{bad}");
    }
    let refused = async |url: &str| {
        let server = Server::new(url).expect("a url");
        server.attack().await.err()
    };
    for other in [
        "http://192.0.2.1/",
        "http://shop.example:8080/a",
        "https://192.0.2.1/",
    ] {
        assert_eq!(refused(other).await, Some(Unfit::Elsewhere), "{other}");
    }
    assert_eq!(refused("https://127.0.0.1:1/").await, Some(Unfit::NoTls));
    assert_eq!(refused("http://127.0.0.1:1/").await, Some(Unfit::Dead));
    // A node on another machine is not asked either.
    let server = Server::new("http://127.0.0.1:1/").expect("a url");
    let server = server.rpc("http://192.0.2.1:8545");
    assert_eq!(server.attack().await.err(), Some(Unfit::Node));
}

#[test]
fn every_attack_of_the_list_has_a_name() {
    assert_eq!(ATTACKS.len(), 85);
    assert!(ATTACKS.iter().all(|entry| !entry.title.is_empty()));
}

#[cfg(unix)]
mod programs {
    use http402_testkit::attacks::{Client, Command, Drive, Lines, Unfit};
    use std::{sync::Arc, time::Duration};

    async fn refused(drive: impl Drive + 'static, limit: Duration) -> String {
        let client = Client::new("a program", Arc::new(drive)).time(limit);
        match client.attack().await {
            Err(Unfit::NotPaid(why)) => why.join(" "),
            other => panic!("{other:?}"),
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn who_does_not_pay_an_honest_seller_is_not_judged() {
        let long = Duration::from_secs(60);
        let why = refused(Command::new(words(&["echo", "{id}", "{url}"])), long).await;
        assert!(
            why.contains("exit code 0") && why.contains("S00 http://127.0.0.1:"),
            "{why}"
        );
        let why = refused(Lines::new(words(&["cat"])), long).await;
        assert!(why.contains("ended: http://127.0.0.1:"), "{why}");
        let why = refused(Command::new(words(&["/no/such/program", "{url}"])), long).await;
        assert!(why.contains("did not end"), "{why}");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_stopped() {
        let short = Duration::from_millis(100);
        let why = refused(Command::new(words(&["sleep", "600"])), short).await;
        assert!(why.contains("did not end"), "{why}");
        let why = refused(Lines::new(words(&["sleep", "600"])), short).await;
        assert!(why.contains("did not end"), "{why}");
    }
}
