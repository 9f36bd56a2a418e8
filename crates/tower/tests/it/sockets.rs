//! A client that leaves, over a real connection.

use crate::bank::{Bank, Handler, Stage, builder, price};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{convert::Infallible, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, service_fn};

struct Shop {
    bank: Arc<Bank>,
    handler: Handler,
    handling: Arc<Stage>,
    address: SocketAddr,
}

impl Shop {
    async fn open(bank: Bank, handling: Stage, upfront: bool) -> Self {
        let (bank, handling, handler) = (Arc::new(bank), Arc::new(handling), Handler::default());
        let price = if upfront {
            price(5).upfront()
        } else {
            price(5)
        };
        let layer = builder(&bank).price(vec![price]).build().unwrap();
        let (run, stage) = (handler.clone(), handling.clone());
        let service = layer.layer(service_fn(move |request: Request<Incoming>| {
            let (run, stage) = (run.clone(), stage.clone());
            async move {
                stage.pass().await;
                Ok::<Response<Full<Bytes>>, Infallible>(run.run(&request))
            }
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            bank,
            handler,
            handling,
            address,
        }
    }

    /// Sends a paid request, and does not wait for the answer.
    async fn begin(&self, nonce: u64) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request =
            format!("GET /x HTTP/1.1\r\nhost: a\r\nx-pay: {nonce}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The whole answer to a paid request.
    async fn get(&self, nonce: u64) -> String {
        let mut stream = self.begin(nonce).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn served(answer: &str, body: &str) {
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(body),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_during_judgement_has_paid_nothing() {
    let mut bank = Bank::new();
    bank.verifying = Stage::held();
    let shop = Shop::open(bank, Stage::open(), false).await;
    let leaving = shop.begin(1).await;
    shop.bank.verifying.reached().await;
    drop(leaving);
    shop.bank.verifying.release();
    served(&shop.get(1).await, "5 units, time 0");
    assert_eq!((shop.handler.count(), shop.bank.settlements()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_during_the_handler_has_paid_nothing() {
    let shop = Shop::open(Bank::new(), Stage::held(), false).await;
    let leaving = shop.begin(1).await;
    shop.handling.reached().await;
    drop(leaving);
    // The handler's future is dropped with its connection, and the reservation released; who comes with the same bytes is
    // served, after waiting for that.
    let again = shop.begin(1).await;
    shop.handling.reached().await;
    shop.handling.release();
    let mut answer = String::new();
    let mut again = again;
    again.read_to_string(&mut answer).await.unwrap();
    served(&answer, "5 units, time 0");
    assert_eq!((shop.handler.count(), shop.bank.settlements()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_during_settlement_gets_the_stored_answer_later() {
    for upfront in [false, true] {
        let mut bank = Bank::new();
        bank.settling = Stage::held();
        let shop = Shop::open(bank, Stage::open(), upfront).await;
        let leaving = shop.begin(1).await;
        shop.bank.settling.reached().await;
        drop(leaving);
        shop.bank.settling.release();
        served(&shop.get(1).await, "5 units, time 0");
        served(&shop.get(1).await, "5 units, time 0");
        assert_eq!(
            (shop.handler.count(), shop.bank.settlements()),
            (1, 1),
            "upfront: {upfront}"
        );
    }
}
