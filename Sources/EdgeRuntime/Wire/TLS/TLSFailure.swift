// Why a TLS connection failed, in words that log, metric and message share; mapped from OpenSSL's error queue.
//
// The queue belongs to the thread: an error left behind would be blamed on the next connection. Every reader here
// therefore empties it.

import COpenSSL

enum TLSFailure: UInt8, Error, CaseIterable {
    case plainHTTP
    case badRecord
    case badHandshake
    case unsupportedVersion
    case noSharedCipher
    case noSharedGroup
    case noSharedSignature
    case noApplicationProtocol
    case unknownAuthority
    case selfSigned
    case certificateExpired
    case certificateNotYetValid
    case certificateRevoked
    case certificateInvalid
    case nameMismatch
    case clientCertificateRequired
    /// The peer did not accept the certificate that we showed.
    case certificateRefused
    /// The peer ended the handshake with an alert that says nothing more of use.
    case handshakeRefused
    case peerAlert
    /// The transport ended before the handshake was over.
    case closedInHandshake
    /// The transport ended without close_notify: what was read may be cut short.
    case truncated
    case internalError

    var word: StaticString {
        switch self {
        case .plainHTTP: "plain_http_on_tls_port"
        case .badRecord: "bad_record"
        case .badHandshake: "bad_handshake"
        case .unsupportedVersion: "unsupported_version"
        case .noSharedCipher: "no_shared_cipher"
        case .noSharedGroup: "no_shared_group"
        case .noSharedSignature: "no_shared_signature"
        case .noApplicationProtocol: "no_application_protocol"
        case .unknownAuthority: "unknown_authority"
        case .selfSigned: "self_signed"
        case .certificateExpired: "certificate_expired"
        case .certificateNotYetValid: "certificate_not_yet_valid"
        case .certificateRevoked: "certificate_revoked"
        case .certificateInvalid: "certificate_invalid"
        case .nameMismatch: "name_mismatch"
        case .clientCertificateRequired: "client_certificate_required"
        case .certificateRefused: "certificate_refused_by_peer"
        case .handshakeRefused: "handshake_refused_by_peer"
        case .peerAlert: "alert_from_peer"
        case .closedInHandshake: "closed_in_handshake"
        case .truncated: "truncated"
        case .internalError: "tls_internal"
        }
    }

    /// Takes the first error off this thread's queue, which is the cause, and empties the rest.
    static func take(verifyResult: Int, isEstablished: Bool) -> Self {
        let code = ERR_peek_error()
        ERR_clear_error()
        guard code != 0 else { return isEstablished ? .truncated : .closedInHandshake }
        guard ERR_GET_LIB(code) == ERR_LIB_SSL else {
            return isEstablished ? .badRecord : .badHandshake
        }
        let reason = ERR_GET_REASON(code)
        switch reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return of(verifyResult: verifyResult)
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return isEstablished ? .truncated : .closedInHandshake
        default: return of(reason: reason, isEstablished: isEstablished)
        }
    }

    private static func of(reason: CInt, isEstablished: Bool) -> Self {
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: .plainHTTP
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_CIPHERS_AVAILABLE, SSL_R_NO_CIPHERS_SPECIFIED:
            .noSharedCipher
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_UNSUPPORTED_SSL_VERSION, SSL_R_VERSION_TOO_LOW,
            SSL_R_WRONG_SSL_VERSION, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
            SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_UNKNOWN_PROTOCOL:
            .unsupportedVersion
        case SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_GROUPS:
            .noSharedGroup
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            .noSharedSignature
        case SSL_R_NO_APPLICATION_PROTOCOL: .noApplicationProtocol
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            .clientCertificateRequired
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
            SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
            SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
            SSL_R_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE, SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
            .certificateRefused
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY,
            SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER, SSL_R_TLSV1_UNRECOGNIZED_NAME:
            .handshakeRefused
        case 1000..<1256: alert(reason - 1000)
        default: isEstablished || isRecordError(reason) ? .badRecord : .badHandshake
        }
    }

    /// OpenSSL reports a received alert as 1000 plus its number.
    private static func alert(_ number: CInt) -> Self {
        number == 120 ? .noApplicationProtocol : .peerAlert
    }

    private static func isRecordError(_ reason: CInt) -> Bool {
        switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_BAD_RECORD_TYPE, SSL_R_DATA_LENGTH_TOO_LONG,
            SSL_R_ENCRYPTED_LENGTH_TOO_LONG, SSL_R_PACKET_LENGTH_TOO_LONG,
            SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
            SSL_R_RECORD_TOO_SMALL:
            true
        default: false
        }
    }

    private static func of(verifyResult: Int) -> Self {
        switch CInt(truncatingIfNeeded: verifyResult) {
        case X509_V_ERR_CERT_HAS_EXPIRED: .certificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID: .certificateNotYetValid
        case X509_V_ERR_CERT_REVOKED: .certificateRevoked
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .nameMismatch
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: .selfSigned
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_CERT_UNTRUSTED:
            .unknownAuthority
        default: .certificateInvalid
        }
    }
}
