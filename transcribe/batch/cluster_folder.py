"""The folder that makes machines one cluster: who holds it may send work there, and nobody else.

A Dask port runs whatever code is sent to it. So each connection is TLS 1.3 and both ends show a certificate of the
folder's authority; its key signed that one certificate and was thrown away. The authority knows nobody by name or
address: a machine joins by getting the folder.
"""

import ipaddress
import os
import re
import secrets
import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from transcribe import store
from transcribe.batch import dask_settings
from transcribe.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from distributed import Security

AUTHORITY, CERTIFICATE, KEY, SETTINGS = "ca.pem", "certificate.pem", "key.pem", "dask.yaml"
DAYS = 365
"""How long a certificate is good for."""
_CLOCKS = timedelta(hours=1)  # by which those of a cluster may differ
_MOST_BYTES = 20_000
_ADDRESS = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):[0-9]{1,5}")
_LOOPBACK = {4: ipaddress.ip_network("127.0.0.0/8"), 6: ipaddress.ip_network("::1/128")}
_ANEW = "make another with `transcribe cluster FOLDER` and give it to every machine"
_HEADER = """\
# How Dask runs here: DASK_CONFIG is the folder of this file, which lies at the same path on each machine.
# What each line is for stands in transcribe/batch/dask_settings.py.
"""


def make(folder: Path) -> None:
    """Write a new authority's certificate, a certificate with its key, and Dask's settings; 0600 in a 0700 folder.

    Whole or not at all. Raises ConfigError where the folder exists and is not empty, StudyError where it cannot be
    written.
    """
    final = folder.absolute()
    with store.disk_trouble("the folder cannot be written"):
        if os.path.lexists(final) and (final.is_symlink() or not final.is_dir() or any(final.iterdir())):
            raise ConfigError("there is something at that path already", advice="name a new folder, or an empty one")
        temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.tmp")
        temporary.mkdir(mode=0o700, parents=True)
        try:
            for name, data in {**_certificates(), SETTINGS: _settings(final)}.items():
                store.write_bytes(temporary / name, data)
            os.rename(temporary, final)  # noqa: PTH104 - must fail, not replace, when the folder has been filled
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        store.sync_folder(final.parent)


def _settings(folder: Path) -> bytes:
    """Dask's configuration file; a path in it is read from the directory a process was started in, unless absolute."""
    own: dict[str, object] = {"distributed.comm.tls.ca-file": str(folder / AUTHORITY)}
    for role in ("scheduler", "worker", "client"):
        own[f"distributed.comm.tls.{role}.cert"] = str(folder / CERTIFICATE)
        own[f"distributed.comm.tls.{role}.key"] = str(folder / KEY)
    own["distributed.worker.resources"] = dask_settings.RESOURCES
    own["distributed.worker.preload"] = ["transcribe.batch.preload"]
    text: str = yaml.safe_dump(dask_settings.nested(dask_settings.SETTINGS | own))
    return (_HEADER + text).encode()


def _certificates() -> dict[str, bytes]:
    """The PEM files by name: an authority for this once, and one certificate for scheduler, workers and clients."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(of: str, key: ec.EllipticCurvePublicKey, *more: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        signed = x509.CertificateBuilder(name("transcribe authority"), name(of), key, x509.random_serial_number())
        signed = signed.not_valid_before(now - _CLOCKS).not_valid_after(now + timedelta(days=DAYS))
        for extension in more:
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            signed = signed.add_extension(extension, critical=critical)
        return signed.sign(authority_key, hashes.SHA256())

    usages = "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
    unused = dict.fromkeys((*usages.split(), "crl_sign", "encipher_only", "decipher_only"), False)
    authority_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = certificate("transcribe authority", authority_key.public_key(),
                            x509.BasicConstraints(ca=True, path_length=0),
                            x509.KeyUsage(**unused | {"key_cert_sign": True}), authority_id)  # fmt: skip
    own = certificate("transcribe cluster", own_key.public_key(),
                      x509.BasicConstraints(ca=False, path_length=None),
                      x509.KeyUsage(**unused | {"digital_signature": True}),
                      x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                      x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id))  # fmt: skip
    pem = serialization.Encoding.PEM
    plain = own_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {AUTHORITY: authority.public_bytes(pem), CERTIFICATE: own.public_bytes(pem), KEY: plain}


def good_until(folder: Path) -> datetime:
    """When its certificates expire. Raises ConfigError where they are missing or damaged."""
    return min(one.not_valid_after_utc for one in _read(folder))


def security(folder: Path) -> "Security":
    """What a client, a scheduler or a worker of this cluster connects with.

    Raises ConfigError where a file is missing or damaged, has expired, or can be read by others.
    """
    from distributed import Security

    if good_until(folder) < datetime.now(UTC):
        raise ConfigError("the cluster's certificate has expired", advice=_ANEW)
    key, certificate = folder / KEY, str(folder / CERTIFICATE)
    if key.stat().st_mode & 0o077:
        raise ConfigError(
            "others can read the cluster's key, and with it run code on the cluster",
            advice=f"if nobody did, `chmod 600` it; otherwise {_ANEW}",
        )
    admitted = Security(
        require_encryption=True, tls_min_version=ssl.TLSVersion.TLSv1_3, tls_ca_file=str(folder / AUTHORITY),
        tls_client_cert=certificate, tls_client_key=str(key), tls_scheduler_cert=certificate,
        tls_scheduler_key=str(key), tls_worker_cert=certificate, tls_worker_key=str(key),
    )  # fmt: skip
    try:
        admitted.get_connection_args("client")
    except ssl.SSLError:
        raise ConfigError("the cluster's key is damaged, or is another cluster's", advice=_ANEW) from None
    return admitted


def _read(folder: Path) -> "tuple[Certificate, Certificate]":
    """The authority's certificate and the one it signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import load_pem_x509_certificate

    if not all((folder / name).is_file() for name in (AUTHORITY, CERTIFICATE, KEY)):
        raise ConfigError("this is no cluster's folder, or one of its files is missing", advice=_ANEW)
    try:
        authority, own = (
            load_pem_x509_certificate(store.read_at_most(folder / name, _MOST_BYTES))
            for name in (AUTHORITY, CERTIFICATE)
        )
        own.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        raise ConfigError("a cluster's certificate cannot be read, or is another cluster's", advice=_ANEW) from None
    return authority, own


def check_address(address: str) -> None:
    """Refuse an address that work would be sent to in the clear: plain TCP is for this machine, all else is TLS.

    This machine is `localhost`, 127.0.0.0/8 and ::1 as written; what another name resolves to may change. Raises
    ConfigError.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigError("this is no address of a cluster", advice="give one such as tls://HOST:8786")
    scheme = found["scheme"] or "tcp"
    if scheme == "tls" or (scheme == "tcp" and _is_this_machine(found["v6"] or found["host"])):
        return
    raise ConfigError(
        "without TLS anybody on the way could read the work and send code in its place",
        advice="give an address that begins tls:// and the cluster's folder (transcribe cluster FOLDER)",
    )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host) in _LOOPBACK[ipaddress.ip_address(host).version]
    except ValueError:
        return False
