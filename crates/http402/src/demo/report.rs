use serde::Serialize;
use serde_json::Value;

/// All that the demo has seen.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) chain: String,
    pub(super) asset: Value,
    pub(super) facilitator: String,
    pub(super) shop: String,
    pub(super) prices: Vec<Value>,
    pub(super) limit: String,
    pub(super) budget: String,
    pub(super) purchases: Vec<Purchase>,
    pub(super) replay: Replay,
    pub(super) lost: Lost,
    pub(super) overspend: Overspend,
    pub(super) balances: Vec<Balance>,
    pub(super) checks: Vec<Check>,
    pub(super) ok: bool,
}

/// One paid request, in six steps.
#[derive(Serialize)]
pub(super) struct Purchase {
    pub(super) title: String,
    pub(super) protocol: String,
    pub(super) steps: Vec<Step>,
    pub(super) amount: String,
    #[serde(skip)]
    pub(super) units: http402_core::U256,
    pub(super) transaction: String,
}

/// One of the six steps.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) what: String,
    /// The header or body that it is about, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<Document>,
    pub(super) notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) encoded_bytes: usize,
    pub(super) decoded: Value,
}

/// A credential that was used before.
#[derive(Serialize)]
pub(super) struct Replay {
    /// To the same request.
    pub(super) same: Answer,
    /// To another one.
    pub(super) other: Answer,
    /// A transfer of the same authorization, by somebody who has seen it.
    pub(super) transfers: usize,
}

#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// A purchase whose answer was lost on its way to the buyer.
#[derive(Serialize)]
pub(super) struct Lost {
    pub(super) presented: usize,
    pub(super) identical: bool,
    pub(super) signatures: u32,
    pub(super) transfers: usize,
    pub(super) transaction: String,
    #[serde(skip)]
    pub(super) units: http402_core::U256,
    pub(super) body: String,
}

/// A purchase that the policy does not allow.
#[derive(Serialize)]
pub(super) struct Overspend {
    pub(super) request: String,
    pub(super) asked: String,
    pub(super) why: String,
    pub(super) signatures: u32,
}

#[derive(Serialize)]
pub(super) struct Balance {
    pub(super) who: String,
    pub(super) address: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) change: String,
}

/// Something that has to hold.
#[derive(Serialize)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) ok: bool,
}
