# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate authority for one sandbox, and the certificate that it signs. Private: names and behaviour may change.

The authority's key is used once and never written, so nothing else can be signed with it. Both certificates are
renewed together.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import tempfile
from typing import Any, cast

from .errors import ELSEWHERE, LibraryMissingError, TlsError

DAYS = 30
RENEW_DAYS = 7


def ensure_certificate(ca_path: str, certificate_path: str, host: str) -> float:
    """Return when the certificate for the host must be renewed, in seconds since 1970.

    Both files are made if one is missing, expires soon, or is for another host. Raises LibraryMissingError and
    TlsError.
    """
    try:
        from cryptography import x509
    except ImportError:
        raise LibraryMissingError("cryptography") from None
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        with open(certificate_path, "rb") as file:
            certificate = x509.load_pem_x509_certificate(file.read())
        renew = _end(certificate) - datetime.timedelta(days=RENEW_DAYS)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if renew > now and os.path.exists(ca_path) and _name(host) in names:
            return renew.timestamp()
    except FileNotFoundError:
        pass
    except ValueError:
        # The file is damaged: replace it.
        pass
    except (OSError, x509.ExtensionNotFound) as error:
        raise TlsError(f"tls: {certificate_path} cannot be used: {error}; remove it") from None
    end = now + datetime.timedelta(days=DAYS)
    authority, served = _make(host, now - datetime.timedelta(hours=1), end)
    try:
        _write(ca_path, authority)
        _write(certificate_path, served)
    except OSError as error:
        raise TlsError(f"tls: the certificates cannot be written: {error.strerror}; {ELSEWHERE}") from None
    return (end - datetime.timedelta(days=RENEW_DAYS)).timestamp()


def _name(host: str) -> Any:
    from cryptography import x509

    return x509.DNSName(host) if host == "localhost" else x509.IPAddress(ipaddress.ip_address(host))


def _end(certificate: Any) -> datetime.datetime:
    # Releases before 42 have only the name without _utc, and later ones warn about it.
    if hasattr(certificate, "not_valid_after_utc"):
        return cast(datetime.datetime, certificate.not_valid_after_utc)
    return cast(datetime.datetime, certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc))


def _make(host: str, begin: datetime.datetime, end: datetime.datetime) -> tuple[bytes, bytes]:
    """Return the authority's certificate, and the key and certificate of the service, all in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _each in range(2))
    ca_name, name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        for common in ("mailops.smtpeter sandbox authority", "mailops.smtpeter sandbox")
    )

    def signed(subject: Any, public: Any, *more: tuple[Any, bool]) -> bytes:
        builder = (
            x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number(), begin, end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        )
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    hosts = ["localhost", "127.0.0.1", "::1"] + ([host] if host not in ("localhost", "127.0.0.1", "::1") else [])
    authority = signed(
        ca_name,
        ca_key.public_key(),
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_usage(x509, signs_certificates=True), True),
    )
    served = signed(
        name,
        key.public_key(),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(x509, signs_certificates=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([_name(each) for each in hosts]), False),
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return authority, private + served


def _usage(x509: Any, signs_certificates: bool) -> Any:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: str, content: bytes) -> None:
    """Write the whole file or nothing, readable by the owner alone."""
    fd, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
