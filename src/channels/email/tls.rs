//! Encrypted connections to mail servers: whom they may trust, and what to say when they can't.

use std::sync::Arc;

use lettre::transport::smtp::client::{Certificate, TlsParameters};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        CertificateError, ClientConfig, Error as TlsError, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject},
    },
};

use crate::platform::{Error, Result};

/// The authorities of a channel's own, as PEM, besides those that everybody trusts.
fn own(pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>> {
    let wrong =
        || Error::Invalid("email channel: ca_certificate is not a certificate (-----BEGIN CERTIFICATE…)".into());
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(|_| wrong())?;
    if all.is_empty() { Err(wrong()) } else { Ok(all) }
}

/// For receiving. Roots and versions of TLS as everywhere else here, and the channel's own authorities.
pub(super) fn connector(pem: Option<&str>) -> Result<TlsConnector> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in own(pem)? {
        let wrong = |e: TlsError| Error::Invalid(format!("email channel: ca_certificate can't be used: {e}"));
        roots.add(certificate).map_err(wrong)?;
    }
    Ok(TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())))
}

/// The same for sending to `host`.
pub(super) fn parameters(host: &str, pem: Option<&str>) -> Result<TlsParameters> {
    let unusable = || Error::Invalid("TLS can't be set up for the mail server".into());
    let mut builder = TlsParameters::builder(host.to_string());
    for certificate in own(pem)? {
        builder = builder.add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(|_| unusable())?);
    }
    builder.build_rustls().map_err(|_| unusable())
}

/// Whether the channel's own authorities can be read.
pub(super) fn check(pem: Option<&str>) -> Result<()> {
    connector(pem).map(|_| ())
}

/// What is wrong with the certificate of `host`, in words for whoever set the channel up; `None`: it is something else.
pub(super) fn refused(error: &(dyn std::error::Error + 'static), host: &str) -> Option<String> {
    let mut next = Some(error);
    while let Some(cause) = next {
        // An I/O error holds what caused it apart from the causes that it tells of.
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = cause.downcast_ref::<TlsError>().or_else(|| inner?.downcast_ref::<TlsError>());
        if let Some(TlsError::InvalidCertificate(why)) = found {
            return Some(explain(why, host));
        }
        next = cause.source();
    }
    None
}

fn explain(why: &CertificateError, host: &str) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet: is the clock of this machine right?")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate of the server is for another name than {host}: use the name that it is for")
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "the certificate of {host} is not from an authority that is known (self-signed?): with one of your own, set ca_certificate"
        ),
        other => format!("the certificate of {host} is refused ({other:?})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_said_when_the_channel_is_set_up() {
        for (pem, is_good) in [(None, true), (Some("nonsense"), false), (Some(""), false)] {
            assert_eq!(check(pem).is_ok(), is_good, "{pem:?}");
        }
    }
}
