use crate::record::{Corrupt, Field, Reader, with_written, write_slice, written};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http402_core::{
    Authorization, B256, Bytes, Claim, Party, Pending, Reason, Receipt, RequestDigest, Timestamp,
    keccak256, ledger::Record,
};
use std::sync::Arc;

const VERSION: u8 = 3;

/// What the ledger holds of a claim, under each of its spend keys.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The claim, to go on after a crash. Kept while something may still have to be settled.
    pub(crate) claim: Option<Arc<Claim>>,
    /// What was asked for.
    pub(crate) request: RequestDigest,
    /// The credential: the decoded authorization with its signature.
    pub(crate) credential: B256,
    /// Who pays, as judged.
    pub(crate) payer: Party,
    /// How often the handler ran for it without success.
    pub(crate) failures: u8,
    /// The settlement in doubt.
    pub(crate) pending: Option<Pending>,
    /// The settlement that happened.
    pub(crate) receipt: Option<Receipt>,
    /// Why it was declined.
    pub(crate) reason: Option<Reason>,
    /// The response, as far as it is kept.
    pub(crate) response: Option<Kept>,
}

/// A response as it is kept: without its body when that was longer than the route's cap, or streamed.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// The digest of a credential: equal for the same authorization with the same signature, however it was written.
pub(crate) fn credential(authorization: &Authorization) -> B256 {
    with_written(|out| authorization.write(out), |bytes| keccak256(bytes))
}

impl Entry {
    /// What is held of a claim with this [`credential`], presented with this request.
    pub(crate) fn new(
        claim: Arc<Claim>,
        request: RequestDigest,
        credential: B256,
        payer: Party,
    ) -> Self {
        Self {
            request,
            credential,
            claim: Some(claim),
            payer,
            failures: 0,
            pending: None,
            receipt: None,
            reason: None,
            response: None,
        }
    }

    /// Somebody other than the request that began the settlement goes on with it.
    pub(crate) fn recover(&mut self, now: Timestamp) {
        if self.pending.is_none() {
            self.pending = Some(Pending::new(None, now, "the settlement was interrupted"));
        }
    }

    /// Whether the request that made the response is gone.
    pub(crate) fn recovered(&self) -> bool {
        self.pending.is_some()
    }

    /// The body of a record that takes the place of the one with the version `over`, 0 for none. A version is held once:
    /// whoever finds his own bytes in the ledger knows that it was he who has written them.
    pub(crate) fn encode(&self, over: u64) -> Bytes {
        written(|out| {
            out.push(VERSION);
            over.write(out);
            self.claim.write(out);
            self.request.write(out);
            self.credential.write(out);
            self.payer.write(out);
            self.failures.write(out);
            self.pending.write(out);
            self.receipt.write(out);
            self.reason.write(out);
            self.response.write(out);
        })
    }

    pub(crate) fn decode(record: &Record) -> Result<Self, Corrupt> {
        let mut from = Reader::new(&record.body, VERSION)?;
        from.read::<u64>()?;
        let entry = Self {
            claim: from.read()?,
            request: from.read()?,
            credential: from.read()?,
            payer: from.read()?,
            failures: from.read()?,
            pending: from.read()?,
            receipt: from.read()?,
            reason: from.read()?,
            response: from.read()?,
        };
        from.finish()?;
        Ok(entry)
    }
}

impl Field for Kept {
    fn write(&self, out: &mut Vec<u8>) {
        u64::from(self.status.as_u16()).write(out);
        (self.headers.len() as u64).write(out);
        for (name, value) in &self.headers {
            write_slice(name.as_str().as_bytes(), out);
            write_slice(value.as_bytes(), out);
        }
        self.body.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let status = u16::try_from(from.read::<u64>()?)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok())
            .ok_or(Corrupt::new("not a status"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in from.read::<Vec<(Box<str>, Bytes)>>()? {
            let name = HeaderName::try_from(name.as_ref())
                .map_err(|_| Corrupt::new("not a header name"))?;
            let value =
                HeaderValue::from_bytes(&value).map_err(|_| Corrupt::new("not a header value"))?;
            headers.append(name, value);
        }
        Ok(Self {
            status,
            headers,
            body: from.read()?,
        })
    }
}
