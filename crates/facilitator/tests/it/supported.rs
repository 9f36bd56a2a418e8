use crate::scene::{NOW, Script, Scripted, Stand};
use http402_core::seam::Facilitator;
use http402_facilitator::Remote;
use std::sync::Arc;

const KINDS: &str = r#"{"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"},
    {"x402Version":1,"scheme":"exact","network":"base-sepolia"},
    {"x402Version":9,"scheme":"exact","network":"eip155:1"}],"extensions":[],"signers":{}}"#;

fn kinds() -> Script {
    Script::Says(200, KINDS.into())
}

fn remote(
    script: impl IntoIterator<Item = Script>,
    clock: &Arc<Stand>,
) -> (Arc<Remote>, Arc<Scripted>) {
    let transport = Scripted::new(script);
    let remote = Remote::builder("https://f.example", transport.clone(), clock.clone());
    (Arc::new(remote.build().unwrap()), transport)
}

fn asked(transport: &Scripted) -> usize {
    transport.heard.lock().unwrap().len()
}

#[tokio::test]
async fn many_who_ask_at_once_are_one_request() {
    let clock = Stand::new(false);
    let (remote, transport) = remote([kinds()], &clock);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let remote = remote.clone();
            tokio::spawn(async move { remote.supported().await.map(|kinds| kinds.len()) })
        })
        .collect();
    for task in tasks {
        // The kind of a version that is not known is left out.
        assert_eq!(task.await.unwrap().unwrap(), 2);
    }
    assert_eq!(asked(&transport), 1);
}

#[tokio::test]
async fn many_who_ask_in_vain_are_one_request() {
    let clock = Stand::new(false);
    let (remote, transport) = remote([Script::Lost, kinds()], &clock);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let remote = remote.clone();
            tokio::spawn(async move { remote.supported().await.is_err() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(asked(&transport), 1);
    assert_eq!(remote.supported().await.unwrap().len(), 2);
}

#[tokio::test]
async fn it_is_asked_again_when_stale_and_goes_on_with_what_it_knows() {
    let clock = Stand::new(false);
    let (remote, transport) = remote([kinds(), Script::Lost, kinds()], &clock);
    assert_eq!(remote.supported().await.unwrap().len(), 2);
    *clock.now.lock().unwrap() = NOW + 599;
    assert_eq!(remote.supported().await.unwrap().len(), 2);
    assert_eq!(asked(&transport), 1);
    *clock.now.lock().unwrap() = NOW + 601;
    assert_eq!(
        remote.supported().await.unwrap().len(),
        2,
        "stale, and the facilitator is down"
    );
    assert_eq!(asked(&transport), 2);
    assert_eq!(
        remote.supported().await.unwrap().len(),
        2,
        "it rests for a while"
    );
    assert_eq!(asked(&transport), 2);
    *clock.now.lock().unwrap() = NOW + 620;
    assert_eq!(remote.supported().await.unwrap().len(), 2);
    assert_eq!(asked(&transport), 3);
}

#[tokio::test]
async fn a_busy_facilitator_is_waited_for_as_it_asks() {
    let clock = Stand::new(true);
    let transport = Scripted::new([Script::Busy("7"), Script::Busy("9999"), Script::Busy("1")]);
    let late = Arc::new(Late(clock.clone()));
    let remote = Remote::builder("https://f.example", transport.clone(), late)
        .verify_timeout(TIMEOUT)
        .build()
        .unwrap();
    assert!(remote.supported().await.is_err());
    assert_eq!(asked(&transport), 3);
    let waited: Vec<_> = clock
        .sleeps
        .lock()
        .unwrap()
        .iter()
        .map(std::time::Duration::as_secs)
        .collect();
    assert_eq!(waited, [7, 30]);
}

#[tokio::test]
async fn s65_a_list_of_the_wrong_shape_is_an_error() {
    for text in [
        "{}",
        "[]",
        r#"{"kinds":{}}"#,
        r#"{"kinds":[{"x402Version":"2","scheme":"exact","network":"eip155:1"}]}"#,
    ] {
        let clock = Stand::new(false);
        let (remote, _) = remote([Script::Says(200, text.into())], &clock);
        assert!(remote.supported().await.is_err(), "{text}");
    }
}

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// Time-outs never end, rests end at once.
struct Late(Arc<Stand>);

impl http402_core::seam::Clock for Late {
    fn now(&self) -> http402_core::Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: std::time::Duration) -> http402_core::seam::Boxed<'static, ()> {
        if duration == TIMEOUT {
            return Box::pin(std::future::pending());
        }
        self.0.sleep(duration)
    }
}
