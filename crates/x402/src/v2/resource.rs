use http402_core::{
    ParseError, Resource,
    json::{Json, Object},
};

/// What is sold (section 5.1.2 `ResourceInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceInfo {
    /// `url`.
    pub url: Box<str>,
    /// `description`.
    pub description: Option<Box<str>>,
    /// `mimeType`.
    pub mime_type: Option<Box<str>>,
    raw: Box<str>,
}

impl ResourceInfo {
    /// Reads the object.
    ///
    /// # Errors
    /// When `url` is missing, or something is of the wrong type.
    pub fn read(json: Json<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            url: json.need_text("url")?.into(),
            description: json.text("description")?.map(Into::into),
            mime_type: json.text("mimeType")?.map(Into::into),
            raw: json.raw().into(),
        })
    }

    /// The JSON text.
    pub fn encode(&self) -> &str {
        &self.raw
    }
}

impl From<&Resource> for ResourceInfo {
    fn from(resource: &Resource) -> Self {
        // The reference packages always write both texts, and some clients expect them.
        let raw = Object::new()
            .text("url", &resource.url)
            .text("description", &resource.description)
            .text("mimeType", &resource.mime_type)
            .finish();
        Self {
            url: resource.url.clone(),
            description: Some(resource.description.clone()),
            mime_type: Some(resource.mime_type.clone()),
            raw,
        }
    }
}
