// The catalogue of heads that two parsers could read in two ways. Each row is refused with its own word, however its
// bytes arrive.

import Testing

@testable import EdgeRuntime

@Suite struct SmugglingTests {
    struct Row: Sendable {
        let head: String
        let word: String

        init(_ head: String, _ word: String) {
            self.head = head
            self.word = word
        }
    }

    private static func post(_ fields: String, _ version: String = "1.1") -> String {
        "POST / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n\r\n"
    }

    // swift-format-ignore
    static let requests: [Row] = [
        // Where the body ends.
        Row(post("Content-Length: 5\r\nTransfer-Encoding: chunked"), "length_with_transfer_encoding"),
        Row(post("Transfer-Encoding: chunked\r\nContent-Length: 5"), "length_with_transfer_encoding"),
        Row(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: chunked\r\ntransfer-encoding: x"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: identity"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: xchunked"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: chunkedx"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: chunked, identity"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: gzip, chunked"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: chunked, chunked"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: chunked;q=1"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: \"chunked\""), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: ,chunked"), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: "), "bad_transfer_encoding"),
        Row(post("Transfer-Encoding: \u{0B}chunked"), "bad_field_value"),
        Row(post("Transfer-Encoding : chunked"), "space_before_colon"),
        Row(post("Transfer-Encoding\t: chunked"), "space_before_colon"),
        Row(post("Transfer-Encoding:\r\n chunked"), "obs_fold"),
        Row(post("X: y\r\n\tTransfer-Encoding: chunked"), "obs_fold"),
        Row(post("X: y\nTransfer-Encoding: chunked"), "bare_lf"),
        Row(post("X: y\rTransfer-Encoding: chunked"), "bare_cr"),
        Row(post("Transfer-Encoding: chunked", "1.0"), "transfer_encoding_in_http10"),
        Row(post("Content-Length: 5\r\nContent-Length: 5"), "content_length_repeated"),
        Row(post("Content-Length: 5\r\nContent-Length: 6"), "different_content_lengths"),
        Row(post("Content-Length: 5, 5"), "bad_content_length"),
        Row(post("Content-Length: +5"), "bad_content_length"),
        Row(post("Content-Length: -5"), "bad_content_length"),
        Row(post("Content-Length: 5 5"), "bad_content_length"),
        Row(post("Content-Length: 0x5"), "bad_content_length"),
        Row(post("Content-Length: 5a"), "bad_content_length"),
        Row(post("Content-Length: "), "bad_content_length"),
        Row(post("Content-Length: 5.0"), "bad_content_length"),
        Row(post("Content-Length: 9223372036854775808"), "bad_content_length"),
        Row(post("Content-Length: 18446744073709551621"), "bad_content_length"),
        // What a line is.
        Row("GET / HTTP/1.1\nHost: a\r\n\r\n", "bare_lf"),
        Row("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare_lf"),
        Row("GET / HTTP/1.1\r\nHost: a\r\n\n", "bare_lf"),
        Row("GET / HTTP/1.1\rHost: a\r\n\r\n", "bare_cr"),
        Row("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "bare_cr"),
        Row("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "bare_cr"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nX: \rb\r\n\r\n", "bare_cr"),
        Row("\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare_lf"),
        Row("GET / HTTP/1.1\r\nHost: a\u{0}b\r\n\r\n", "nul_in_head"),
        Row("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", "nul_in_head"),
        Row("GET / HTTP/1.1\r\nX\u{0}: a\r\n\r\n", "nul_in_head"),
        Row("GET / HTTP/1.1\r\nX: a\u{7F}b\r\n\r\n", "bad_field_value"),
        Row("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs_fold"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "obs_fold"),
        // Names.
        Row("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "bad_field_name"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "bad_field_name"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n", "bad_field_name"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nX\u{E9}: z\r\n\r\n", "bad_field_name"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", "bad_field_name"),
        // The request line.
        Row("GET /\r\nHost: a\r\n\r\n", "bad_request_line"),
        Row("GET\r\nHost: a\r\n\r\n", "bad_request_line"),
        Row(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_request_line"),
        Row("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_method"),
        Row("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_method"),
        Row("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("CONNECT http://a:1/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"),
        Row("GET / http/1.1\r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET / HTTP/11\r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET / HTTP/1.x\r\nHost: a\r\n\r\n", "bad_version"),
        Row("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "unsupported_version"),
        Row("GET / HTTP/0.9\r\nHost: a\r\n\r\n", "unsupported_version"),
        Row("\u{16}\u{3}\u{1}", "bad_request_line"),
        // Host.
        Row("GET / HTTP/1.1\r\nX: y\r\n\r\n", "host_missing"),
        Row("GET / HTTP/1.1\r\n\r\n", "host_missing"),
        Row("GET http://a/ HTTP/1.1\r\n\r\n", "host_missing"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host_repeated"),
        Row("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", "host_repeated"),
        Row("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "host_repeated"),
        Row("GET / HTTP/1.1\r\nHost:\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: .a\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: .\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: []\r\n\r\n", "bad_host"),
        Row("GET / HTTP/1.1\r\nHost: [fe80::1%25lo]\r\n\r\n", "bad_host"),
        Row("GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", "bad_host"),
    ]

    @Test(arguments: requests) func aRequestIsRefused(row: Row) {
        #expect(SplitFeeder(kind: .request).answer(row.head) == "client \(row.word)")
    }

    // swift-format-ignore
    static let responses: [Row] = [
        Row("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "length_with_transfer_encoding"),
        Row("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "content_length_repeated"),
        Row("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\n", "different_content_lengths"),
        Row("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "bad_transfer_encoding"),
        Row("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding_in_http10"),
        Row("HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n", "bare_lf"),
        Row("HTTP/1.1 200 O\rK\r\n\r\n", "bare_cr"),
        Row("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "obs_fold"),
        Row("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "space_before_colon"),
        Row("HTTP/1.1 200 OK\r\nX: \u{0}\r\n\r\n", "nul_in_head"),
        Row("\r\nHTTP/1.1 200 OK\r\n\r\n", "origin_bad_head"),
        Row("HTTP/1.1 2x0 OK\r\n\r\n", "origin_bad_head"),
        Row("HTTP/1.1 20\r\n\r\n", "origin_bad_head"),
        Row("HTTP/1.1 2000 OK\r\n\r\n", "origin_bad_head"),
        Row("HTTP/1.1 099 OK\r\n\r\n", "origin_bad_head"),
        Row("HTTP/1.1 600 OK\r\n\r\n", "origin_bad_head"),
        Row("HTTP/1.1  200 OK\r\n\r\n", "origin_bad_head"),
        Row("ICY 200 OK\r\n\r\n", "origin_bad_head"),
        Row("HTTP/2.0 200 OK\r\n\r\n", "unsupported_version"),
        Row("HTTQ/1.1 200 OK\r\n\r\n", "bad_version"),
        Row("<html>\n", "bare_lf"),
    ]

    @Test(arguments: responses) func aResponseIsRefused(row: Row) {
        #expect(SplitFeeder(kind: .response).answer(row.head) == "origin \(row.word)")
    }

    // swift-format-ignore
    static let bodies: [Row] = [
        Row("5\r\nhello\r\n0\r\n\r\n", "'hello' length=15"),
        Row("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1", "'hello' length=15"),
        Row("5;a=b\r\nhello\r\n00;x\r\n\r\n", "'hello' length=22"),
        Row("5 ;a=b\r\nhello\r\n0\r\n\r\n", "'hello' length=20"),
        Row("A\r\n0123456789\r\n0\r\nX: y\r\nZ:\r\n\r\n", "'0123456789' [X=y] [Z=] length=30"),
        Row("1\r\na\r\n0\r\nAuthorization: y\r\nX: z\r\n\r\n", "'a' [X=z] length=35"),
        Row("5\r\nhel", "client client_closed"),
        Row("", "client client_closed"),
        Row("0\r\n", "client client_closed"),
        Row("\r\n", "client bad_chunk_size"),
        Row(" 5\r\nhello\r\n", "client bad_chunk_size"),
        Row("5 \r\nhello\r\n", "client bad_chunk_size"),
        Row("+5\r\nhello\r\n", "client bad_chunk_size"),
        Row("-5\r\nhello\r\n", "client bad_chunk_size"),
        Row("0x5\r\nhello\r\n", "client bad_chunk_size"),
        Row("5g\r\nhello\r\n", "client bad_chunk_size"),
        Row(";\r\n", "client bad_chunk_size"),
        Row("8000000000000000\r\n", "client bad_chunk_size"),
        Row("00000000000000005\r\n", "client bad_chunk_size"),
        Row("7fffffffffffffff\r\n", "client body_too_large"),
        Row("10000000000000000\r\n", "client bad_chunk_size"),
        Row("5\nhello\r\n", "client bare_lf"),
        Row("5\rhello\r\n", "client bare_cr"),
        Row("5;a\nhello\r\n", "client bare_lf"),
        Row("5;a\rx\r\n", "client bare_cr"),
        Row("5;a\u{0}\r\n", "client bad_chunk_size"),
        Row("5;" + String(repeating: "a", count: 300), "client chunk_line_too_long"),
        Row("5\r\nhelloX", "client chunk_data_not_terminated"),
        Row("5\r\nhello\nX", "client chunk_data_not_terminated"),
        Row("5\r\nhello\rX", "client chunk_data_not_terminated"),
        Row("5\r\nhello\r\n65\r\n", "client body_too_large"),
        Row("0\r\nX: y\n\r\n", "client bare_lf"),
        Row("0\r\nX: y\r\r\n", "client bare_cr"),
        Row("0\r\nX y\r\n\r\n", "client bad_trailer"),
        Row("0\r\n X: y\r\n\r\n", "client bad_trailer"),
        Row("0\r\nX: \u{1}\r\n\r\n", "client bad_trailer"),
        Row("0\r\nX: \u{0}\r\n\r\n", "client nul_in_head"),
        Row("0\r\nContent-Length: 5\r\n\r\n", "client bad_trailer"),
        Row("0\r\nTransfer-Encoding: chunked\r\n\r\n", "client bad_trailer"),
        Row("0\r\n\nX", "client bare_lf"),
        Row("0\r\n\rX", "client bare_cr"),
        Row("0\r\n" + String(repeating: "X: y\r\n", count: 65) + "\r\n", "client trailer_too_large"),
    ]

    @Test(arguments: bodies) func aChunkedBodyIsReadOrRefused(row: Row) {
        #expect(SplitFeeder(kind: .body(.chunked, limit: 100)).answer(row.head) == row.word)
    }

    // swift-format-ignore
    static let plain: [(BodyFraming, String, String)] = [
        (.none, "GET", "'' length=0"),
        (.length(0), "GET", "'' length=0"),
        (.length(3), "abcGET", "'abc' length=3"),
        (.length(3), "ab", "client client_closed"),
        (.length(101), "abc", "client body_too_large"),
        (.untilClose, "abc", "'abc' closed=true"),
        (.untilClose, String(repeating: "a", count: 101), "client body_too_large"),
    ]

    @Test(arguments: plain) func aPlainBodyIsReadOrRefused(
        framing: BodyFraming,
        input: String,
        answer: String
    ) {
        #expect(SplitFeeder(kind: .body(framing, limit: 100)).answer(input) == answer)
    }
}
