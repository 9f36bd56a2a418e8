use crate::{
    config::Builder,
    error::RemoteError,
    supported::Supported,
    transport::{Transport, within},
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http402_core::{
    Bytes, Claim, ParseError, Pending, Reason, Receipt, Settlement, Step, Verdict,
    seam::{Boxed, ChainView, Clock, Facilitator, Kind, SeamError, Spent},
};
use http402_x402::{
    V1, V2, network,
    reply::{SettleResponse, SupportedResponse, VerifyResponse},
    request,
};
use std::{fmt, sync::Arc, time::Duration};

/// The longest reply that is read, in bytes.
const MAX_REPLY: usize = 256 * 1024;
/// How often `/supported` is asked when the facilitator is busy.
const TRIES: u32 = 3;
/// The longest that it is waited for a busy facilitator, in seconds.
const LONGEST_REST: u64 = 30;

/// One of the three calls of the facilitator API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// `POST /verify`
    Verify,
    /// `POST /settle`
    Settle,
    /// `GET /supported`
    Supported,
}

impl Call {
    /// The last segment of its path, with the slash before it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Verify => "/verify",
            Self::Settle => "/settle",
            Self::Supported => "/supported",
        }
    }
}

pub(crate) type Authorize =
    dyn Fn(Call) -> Boxed<'static, Result<HeaderMap, SeamError>> + Send + Sync;

pub(crate) struct Times {
    pub(crate) verify: Duration,
    pub(crate) settle: Duration,
    pub(crate) fresh: Duration,
    pub(crate) stale: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            verify: Duration::from_secs(30),
            settle: Duration::from_secs(75),
            fresh: Duration::from_secs(600),
            stale: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// A client of one remote facilitator.
///
/// One settlement never goes to two facilitators: who wants several makes several of these, and routes by what they support.
pub struct Remote {
    pub(crate) base: Box<str>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chain: Option<Arc<dyn ChainView>>,
    pub(crate) authorize: Option<Arc<Authorize>>,
    pub(crate) times: Times,
    pub(crate) supported: Supported,
}

impl Remote {
    /// A client of the facilitator at `url`, the part before `/verify`.
    pub fn builder(url: &str, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Builder {
        Builder::new(url, transport, clock)
    }

    /// Whether it can find out by itself what became of a settlement whose answer was lost. Tell the operator at start if it
    /// can not.
    pub fn sees_chain(&self) -> bool {
        self.chain.is_some()
    }

    async fn call(&self, call: Call, body: Bytes) -> Result<Response<Bytes>, RemoteError> {
        let mut request = Request::new(body);
        let uri = format!("{}{}", self.base, call.path());
        *request.uri_mut() = uri
            .parse()
            .map_err(|_| RemoteError::Request(ParseError::new("url", "not usable")))?;
        if call != Call::Supported {
            *request.method_mut() = Method::POST;
        }
        if let Some(authorize) = &self.authorize {
            let headers = authorize(call).await.map_err(RemoteError::Authorize)?;
            request.headers_mut().extend(headers);
        }
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json.clone());
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        let time = match call {
            Call::Settle => self.times.settle,
            Call::Verify | Call::Supported => self.times.verify,
        };
        let sent = self.transport.send(request, MAX_REPLY);
        match within(&*self.clock, time, sent).await {
            None => Err(RemoteError::TimedOut),
            Some(answer) => answer.map_err(RemoteError::Transport),
        }
    }

    async fn ask_supported(&self) -> Result<Vec<Kind>, RemoteError> {
        let mut tries = 0;
        loop {
            let response = self.call(Call::Supported, Bytes::new()).await?;
            tries += 1;
            match response.status() {
                StatusCode::OK => return kinds(text(&response)?),
                StatusCode::TOO_MANY_REQUESTS if tries < TRIES => {
                    let rest = rest(response.headers()).unwrap_or(1 << (tries - 1));
                    self.clock
                        .sleep(Duration::from_secs(rest.min(LONGEST_REST)))
                        .await;
                }
                status => return Err(RemoteError::Status(status)),
            }
        }
    }

    async fn ask_verify(&self, claim: &Claim) -> Result<Verdict, RemoteError> {
        let response = self.call(Call::Verify, body(claim)?).await?;
        let status = response.status();
        let read = text(&response).and_then(|text| {
            VerifyResponse::parse(text)
                .and_then(|reply| reply.verdict(claim))
                .map_err(RemoteError::Malformed)
        });
        match (status, read) {
            (StatusCode::OK, read) => read,
            // Some say no with a status of its own.
            (status, Ok(Verdict::Invalid(why))) if status.is_client_error() => {
                Ok(Verdict::Invalid(why))
            }
            (status, _) => Err(RemoteError::Status(status)),
        }
    }

    /// What the facilitator says of a settlement.
    async fn ask_settle(&self, claim: &Claim) -> Result<Settlement, RemoteError> {
        let response = self.call(Call::Settle, body(claim)?).await?;
        let status = response.status();
        let read = text(&response).and_then(|text| {
            SettleResponse::parse(text)
                .and_then(|reply| {
                    reply.settlement(&claim.requirement.chain, claim.amount(), self.clock.now())
                })
                .and_then(|settlement| same_payer(claim, settlement))
                .map_err(RemoteError::Malformed)
        });
        match (status, read) {
            (StatusCode::OK, read) => read,
            (status, Ok(Settlement::Declined(why))) if status.is_client_error() => {
                Ok(Settlement::Declined(why))
            }
            (_, Ok(Settlement::Unknown(pending))) => Ok(Settlement::Unknown(pending)),
            (status, _) => Err(RemoteError::Status(status)),
        }
    }

    fn unknown(&self, transaction: Option<Box<str>>, why: impl Into<Box<str>>) -> Settlement {
        Settlement::Unknown(Pending::new(transaction, self.clock.now(), why))
    }

    /// What the chain shows, for those who have a view of it.
    async fn look(&self, claim: &Claim, pending: &Pending) -> Result<Settlement, SeamError> {
        let still = Settlement::Unknown(pending.clone());
        let Some(chain) = &self.chain else {
            return Ok(still);
        };
        let wanted = &claim.requirement;
        let spent = chain
            .spent(&wanted.chain, &wanted.asset, &claim.authorization)
            .await?;
        Ok(match spent {
            Spent::Yes {
                transaction: Some(transaction),
            } => Settlement::Settled(Receipt::new(
                claim.authorization.payer(),
                claim.amount(),
                wanted.chain.clone(),
                transaction,
            )),
            Spent::Never => Settlement::Declined(Reason::Expired),
            _ => still,
        })
    }
}

fn body(claim: &Claim) -> Result<Bytes, RemoteError> {
    let text = request::encode(claim).map_err(RemoteError::Request)?;
    Ok(Bytes::from(text.into_string().into_bytes()))
}

fn text(response: &Response<Bytes>) -> Result<&str, RemoteError> {
    std::str::from_utf8(response.body()).map_err(|error| {
        RemoteError::Malformed(ParseError::new("body", "not UTF-8").at(error.valid_up_to()))
    })
}

/// A receipt that names another payer is for another payment.
fn same_payer(claim: &Claim, settlement: Settlement) -> Result<Settlement, ParseError> {
    if let Settlement::Settled(receipt) = &settlement {
        let claimed = claim.authorization.payer();
        if receipt.payer.is_some() && claimed.is_some() && receipt.payer != claimed {
            return Err(ParseError::new("payer", "another payer"));
        }
    }
    Ok(settlement)
}

/// Kinds that are understood. Others are left out: a facilitator may do more than we know.
fn kinds(text: &str) -> Result<Vec<Kind>, RemoteError> {
    let reply = SupportedResponse::parse(text).map_err(RemoteError::Malformed)?;
    let known = reply.kinds.iter().filter_map(|kind| {
        let protocol = match kind.version {
            1 => V1,
            2 => V2,
            _ => return None,
        };
        let chain = network::resolve(&kind.network).ok()?;
        Some(Kind::new(protocol, &kind.scheme, chain))
    });
    Ok(known.collect())
}

/// `Retry-After` in seconds. A date is not read: the default of the caller is as good.
fn rest(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Whether a decline shows that nothing moved, from one that was never asked to settle this before. The rest comes from
/// after a broadcast, or from somebody who has used the authorization: money may have moved.
fn certain(why: &Reason) -> bool {
    !matches!(
        why,
        Reason::NonceUsed
            | Reason::AlreadyUsed
            | Reason::InFlight
            | Reason::TransactionFailed
            | Reason::TransferMissing
            | Reason::SettlementPending
            | Reason::Unavailable
            | Reason::Other(_)
    )
}

impl Facilitator for Remote {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async move {
            let kinds = self
                .supported
                .get(self.clock.now(), self.times.fresh, self.times.stale, || {
                    self.ask_supported()
                })
                .await?;
            Ok(kinds)
        })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async move { Ok(self.ask_verify(claim).await?) })
    }

    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            if step != Step::Charge(claim.amount()) {
                return Err("an exact payment is charged in whole".into());
            }
            match self.ask_settle(claim).await {
                Ok(Settlement::Declined(why)) if !certain(&why) => {
                    let why = format!("the facilitator says: {why}");
                    Ok(self.unknown(None, why))
                }
                Ok(settlement) => Ok(settlement),
                Err(error) if error.nothing_sent() => Err(error.into()),
                Err(error) => Ok(self.unknown(None, error.to_string())),
            }
        })
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            // The chain first: it does not begin anything.
            match self.look(claim, pending).await {
                Ok(Settlement::Unknown(_)) | Err(_) => {}
                Ok(known) => return Ok(known),
            }
            match self.ask_settle(claim).await {
                Ok(Settlement::Settled(receipt)) => Ok(Settlement::Settled(receipt)),
                Ok(Settlement::Unknown(news)) => Ok(Settlement::Unknown(Pending::new(
                    news.transaction.or_else(|| pending.transaction.clone()),
                    pending.since,
                    news.why,
                ))),
                // Whatever it declines now may be because it has settled before.
                Ok(_) => self.look(claim, pending).await,
                Err(error) => Err(error.into()),
            }
        })
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("base", &self.base)
            .field("sees_chain", &self.sees_chain())
            .finish_non_exhaustive()
    }
}
