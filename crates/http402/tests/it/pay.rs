use crate::{
    run::{code, http402_with, stderr, stdout},
    shop::{Folder, PAYEE, PAYER, Shop, key},
};
use serde_json::Value;
use std::process::Output;

/// Runs `pay` with the payer's key and a ledger of its own, while the shop goes on.
async fn pay(folder: &Folder, arguments: &[&str]) -> Output {
    let key = key(PAYER);
    let state = folder.0.to_string_lossy().into_owned();
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    tokio::task::spawn_blocking(move || {
        let mut all = vec!["pay"];
        all.extend(arguments.iter().map(String::as_str));
        http402_with(&[("HTTP402_KEY", &key), ("XDG_STATE_HOME", &state)], &all)
    })
    .await
    .expect("it runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_quotes_first_and_pays_when_told() {
    let (shop, folder) = (Shop::open().await, Folder::new("pay"));
    let url = format!("{}/weather", shop.url);
    let before = (shop.holds(PAYER), shop.holds(PAYEE));

    let quote = pay(&folder, &[&url]).await;
    assert_eq!(code(&quote), 4, "{}", stderr(&quote));
    assert!(
        stderr(&quote).contains("0.01 USDC on eip155:84532"),
        "{}",
        stderr(&quote)
    );
    assert_eq!((shop.holds(PAYER), shop.holds(PAYEE)), before);

    let paid = pay(&folder, &["--pay", "-i", &url]).await;
    assert_eq!(code(&paid), 0, "{}", stderr(&paid));
    let text = stdout(&paid);
    assert!(
        text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nsunny\n"),
        "{text}"
    );
    assert!(
        stderr(&paid).contains("paid 0.01 USDC"),
        "{}",
        stderr(&paid)
    );
    assert_eq!(
        (shop.holds(PAYER), shop.holds(PAYEE)),
        (before.0 - 10_000, before.1 + 10_000)
    );
    // The ledger was made for its owner alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = folder.0.join("http402/ledger.sqlite");
        let mode = std::fs::metadata(file)
            .expect("a ledger")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_route_is_paid_in_the_protocol_that_is_told() {
    let (shop, folder) = (Shop::open().await, Folder::new("protocols"));
    let url = format!("{}/weather", shop.url);
    let before = shop.holds(PAYEE);
    let told = ["auto", "x402", "mpp"].map(|name| (name, name == "mpp"));
    for (protocol, mpp) in told {
        let arguments = ["--pay", "--json", "--protocol", protocol, &url];
        let output = pay(&folder, &arguments).await;
        assert_eq!(code(&output), 0, "{protocol}: {}", stderr(&output));
        let document: Value = serde_json::from_str(&stdout(&output)).expect("one document");
        let paid_in = &document["payment"]["attempt"]["protocol"];
        assert_eq!(paid_in, if mpp { "mpp/1" } else { "x402/2" });
        let headers = document["headers"].as_array().expect("headers");
        let has = |name: &str| headers.iter().any(|header| header[0] == name);
        assert_eq!(
            (has("payment-receipt"), has("payment-response")),
            (mpp, !mpp)
        );
    }
    assert_eq!(shop.holds(PAYEE), before + 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn s79_the_budget_holds_over_processes() {
    let (shop, folder) = (Shop::open().await, Folder::new("budget"));
    let url = format!("{}/weather", shop.url);
    let file = folder.file(
        "policy.toml",
        "[[allow]]\nchain = \"eip155:84532\"\nasset = \"USDC\"\nper_payment = \"$0.01\"\nper_day = \"$0.02\"\n",
    );
    let before = shop.holds(PAYER);
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(code(&pay(&folder, &["--policy", &file, &url]).await));
    }
    assert_eq!(codes, [0, 0, 3]);
    assert_eq!(shop.holds(PAYER), before - 20_000);
    let dear = pay(&folder, &["--pay", "--json", &format!("{}/dear", shop.url)]).await;
    assert_eq!(code(&dear), 3);
    let document: Value = serde_json::from_str(&stdout(&dear)).expect("one document");
    assert_eq!(document["payment"]["outcome"], "denied");
    assert_eq!(document["payment"]["offers"][0]["amount"], "5000000");
    assert_eq!(shop.holds(PAYER), before - 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_methods_and_documents() {
    let (shop, folder) = (Shop::open().await, Folder::new("echo"));
    let file = folder.file("body", "from a file");
    let url = format!("{}/echo", shop.url);
    let output = pay(
        &folder,
        &[
            "--pay",
            "--json",
            "-H",
            "content-type: text/plain",
            "-d",
            &format!("@{file}"),
            &url,
        ],
    )
    .await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let document: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    assert_eq!(document["body"], "from a file");
    assert_eq!(document["payment"]["outcome"], "paid");
    assert_eq!(document["payment"]["attempt"]["amount"], "20000");
    let free = pay(&folder, &[&format!("{}/free", shop.url)]).await;
    assert_eq!((code(&free), stdout(&free).as_str()), (0, "free\n"));
    let missing = pay(&folder, &[&format!("{}/none", shop.url)]).await;
    assert_eq!(code(&missing), 1);
    let nobody = pay(&folder, &["http://127.0.0.1:1/"]).await;
    assert_eq!(code(&nobody), 2, "{}", stdout(&nobody));
}

#[tokio::test(flavor = "multi_thread")]
async fn s84_keys_are_not_printed_and_known_ones_not_used_where_there_is_money() {
    let folder = Folder::new("keys");
    let bad = folder.file("key", "0x0123456789abcdef-not-a-key");
    let output = pay(
        &folder,
        &["--pay", "--key-file", &bad, "http://127.0.0.1:1/"],
    )
    .await;
    assert_eq!(code(&output), 2);
    assert!(
        !stderr(&output).contains("0123456789abcdef"),
        "{}",
        stderr(&output)
    );
    let policy = folder.file(
        "policy.toml",
        "[[allow]]\nchain = \"eip155:8453\"\nasset = \"USDC\"\nper_payment = \"$0.01\"\nper_day = \"$0.02\"\n",
    );
    let output = pay(&folder, &["--policy", &policy, "http://127.0.0.1:1/"]).await;
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facilitator_whose_gas_of_the_day_is_spent_settles_nothing() {
    let shop = Shop::with(&["--daily-gas", "0.000000000001"]).await;
    let folder = Folder::new("gas");
    let before = (shop.holds(PAYER), shop.holds(PAYEE));
    let output = pay(&folder, &["--pay", &format!("{}/weather", shop.url)]).await;
    assert_eq!(code(&output), 5, "{} {}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("refused"), "{}", stderr(&output));
    assert!(!stdout(&output).contains("sunny"), "nothing is delivered");
    assert_eq!((shop.holds(PAYER), shop.holds(PAYEE)), before);
}
