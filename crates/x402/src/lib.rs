//! x402 v1 and v2 on the wire: documents, the exact scheme, reasons and HTTP headers.
