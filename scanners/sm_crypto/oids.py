"""Object identifiers of the algorithms that matter here, with their names.

Sources: GM/T 0006-2012 and GB/T 33560-2017 for the national ones, RFC 5280, RFC 8017, RFC 5758, RFC 8410
for the others. Issuers differ for SM2 keys; every spelling seen in the field is listed.
"""

from __future__ import annotations

from collections.abc import Mapping

EC_PUBLIC_KEY = "1.2.840.10045.2.1"
SM2_CURVE = "1.2.156.10197.1.301"
SM2_WITH_SM3 = "1.2.156.10197.1.501"

# The curve as algorithm of its own, then sign, exchange, encrypt; some issuers write these in place of
# id-ecPublicKey.
SM2_KEY_ALGORITHMS = frozenset({SM2_CURVE, SM2_CURVE + ".1", SM2_CURVE + ".2", SM2_CURVE + ".3"})

SIGNATURE_ALGORITHMS: Mapping[str, str] = {
    SM2_WITH_SM3: "SM2-with-SM3",
    "1.2.156.10197.1.504": "RSA-with-SM3",
    "1.2.840.113549.1.1.2": "RSA-with-MD2",
    "1.2.840.113549.1.1.4": "RSA-with-MD5",
    "1.2.840.113549.1.1.5": "RSA-with-SHA1",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.113549.1.1.11": "RSA-with-SHA256",
    "1.2.840.113549.1.1.12": "RSA-with-SHA384",
    "1.2.840.113549.1.1.13": "RSA-with-SHA512",
    "1.2.840.113549.1.1.14": "RSA-with-SHA224",
    "1.2.840.10040.4.3": "DSA-with-SHA1",
    "2.16.840.1.101.3.4.3.2": "DSA-with-SHA256",
    "1.2.840.10045.4.1": "ECDSA-with-SHA1",
    "1.2.840.10045.4.3.1": "ECDSA-with-SHA224",
    "1.2.840.10045.4.3.2": "ECDSA-with-SHA256",
    "1.2.840.10045.4.3.3": "ECDSA-with-SHA384",
    "1.2.840.10045.4.3.4": "ECDSA-with-SHA512",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}

EXTENDED_KEY_USAGES: Mapping[str, str] = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}

WEAK_SIGNATURES: Mapping[str, str] = {
    "1.2.840.113549.1.1.2": "md2",
    "1.2.840.113549.1.1.4": "md5",
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.10040.4.3": "sha1",
    "1.2.840.10045.4.1": "sha1",
}

NATIONAL: Mapping[str, str] = {
    SM2_CURVE: "SM2",
    SM2_CURVE + ".1": "SM2-sign",
    SM2_CURVE + ".2": "SM2-exchange",
    SM2_CURVE + ".3": "SM2-encrypt",
    SM2_WITH_SM3: "SM2-with-SM3",
    "1.2.156.10197.1.504": "RSA-with-SM3",
    "1.2.156.10197.1.401": "SM3",
    "1.2.156.10197.1.401.2": "HMAC-SM3",
    "1.2.156.10197.1.401.3.1": "HMAC-SM3",
    "1.2.156.10197.1.104": "SM4",
    "1.2.156.10197.1.104.1": "SM4-ECB",
    "1.2.156.10197.1.104.2": "SM4-CBC",
    "1.2.156.10197.1.104.3": "SM4-OFB",
    "1.2.156.10197.1.104.4": "SM4-CFB",
    "1.2.156.10197.1.104.7": "SM4-CTR",
    "1.2.156.10197.1.104.8": "SM4-GCM",
    "1.2.156.10197.1.104.9": "SM4-CCM",
    "1.2.156.10197.1.201": "ZUC",
    "1.2.156.10197.1.302": "SM9",
    "1.2.156.10197.1.302.1": "SM9-sign",
    "1.2.156.10197.1.302.2": "SM9-exchange",
    "1.2.156.10197.1.302.3": "SM9-encrypt",
    "1.2.156.10197.6.1.4.2.1": "GM/T 0010 data",
    "1.2.156.10197.6.1.4.2.2": "GM/T 0010 signedData",
    "1.2.156.10197.6.1.4.2.3": "GM/T 0010 envelopedData",
    "1.2.156.10197.6.1.4.2.4": "GM/T 0010 signedAndEnvelopedData",
    "1.2.156.10197.6.1.4.2.5": "GM/T 0010 encryptedData",
    "1.2.156.10197.6.1.4.2.6": "GM/T 0010 keyAgreementInfo",
}


def signature_name(oid: str) -> str:
    """Give the name of a signature algorithm, the OID itself when unknown."""
    return SIGNATURE_ALGORITHMS.get(oid, oid)
