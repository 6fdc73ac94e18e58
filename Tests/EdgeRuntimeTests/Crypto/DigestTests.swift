import Testing

@testable import EdgeRuntime

/// A vector as it is printed in the standards.
func hex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    guard let bytes = try? Hexadecimal.decode(digits.span) else {
        preconditionFailure("not hexadecimal: \(text)")
    }
    return bytes
}

extension HashValue {
    var array: [UInt8] {
        let value = self
        return (0..<count).map { value.bytes[$0] }
    }
}

/// FIPS 180-4's examples: nothing, one block, two blocks, and a million times `a`.
@Suite struct DigestTests {
    private static let twoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    private static let million = String(repeating: "a", count: 1_000_000)

    static let rows: [(HashAlgorithm, String, String)] = [
        (
            .sha1, "",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        ),
        (
            .sha1, "abc",
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        ),
        (
            .sha1, twoBlocks,
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (
            .sha1, million,
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        ),
        (
            .sha256, "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
        (
            .sha256, "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        (
            .sha256, twoBlocks,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            .sha256, million,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
        (
            .sha384, "",
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
                + "274edebfe76f65fbd51ad2f14898b95b"
        ),
        (
            .sha384, "abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                + "8086072ba1e7cc2358baeca134c825a7"
        ),
        (
            .sha384, twoBlocks,
            "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6"
                + "b0455a8520bc4e6f5fe95b1fe3c8452b"
        ),
        (
            .sha384, million,
            "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b"
                + "07b8b3dc38ecc4ebae97ddd87f3d8985"
        ),
        (
            .sha512, "",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
        ),
        (
            .sha512, "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            .sha512, twoBlocks,
            "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
                + "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445"
        ),
        (
            .sha512, million,
            "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                + "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"
        ),
    ]

    @Test(arguments: rows.indices) func vectors(index: Int) {
        let (algorithm, text, expected) = Self.rows[index]
        let bytes = Array(text.utf8)
        #expect(Digest.of(bytes.span, algorithm).array == hex(expected))
        var state = UInt64(index)
        for _ in 0..<4 {
            var digest = Digest(algorithm)
            var at = 0
            while at < bytes.count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let count = min(bytes.count - at, Int(state >> 50) + 1)
                digest.update(bytes.span.extracting(at..<(at + count)))
                at += count
            }
            digest.update([UInt8]().span)
            let whole = digest.finish()
            #expect(whole.array == hex(expected))
        }
    }

    /// A digest that is dropped frees its state: the address sanitizer would tell.
    @Test func aDigestMayBeGivenUp() {
        var digest = Digest(.sha256)
        let bytes = Array("x".utf8)
        digest.update(bytes.span)
    }
}

/// RFC 4231 §4, without the truncated fifth case.
@Suite struct MACTests {
    private static let inputs: [(key: [UInt8], data: [UInt8])] = [
        ([UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8)),
        (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)),
        ([UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50)),
        (Array(1...25), [UInt8](repeating: 0xcd, count: 50)),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than "
                    + "block-size data. The key needs to be hashed before being used by the "
                    + "HMAC algorithm.").utf8
            )
        ),
    ]

    static let rows: [(Int, HashAlgorithm, String)] = [
        (
            0, .sha256,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            0, .sha384,
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
                + "faea9ea9076ede7f4af152e8b2fa9cb6"
        ),
        (
            0, .sha512,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                + "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        ),
        (
            1, .sha256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            1, .sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                + "8e2240ca5e69e2c78b3239ecfab21649"
        ),
        (
            1, .sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
        (
            2, .sha256,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            2, .sha384,
            "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
                + "2a5ab39dc13814b94e3ab6e101a34f27"
        ),
        (
            2, .sha512,
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
                + "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"
        ),
        (
            3, .sha256,
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            3, .sha384,
            "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
                + "6801dd23c4a7d679ccf8a386c674cffb"
        ),
        (
            3, .sha512,
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
                + "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
        ),
        (
            4, .sha256,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            4, .sha384,
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
                + "0c2ef6ab4030fe8296248df163f44952"
        ),
        (
            4, .sha512,
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                + "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        ),
        (
            5, .sha256,
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
        (
            5, .sha384,
            "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
                + "a678cc31e799176d3860e6110c46523e"
        ),
        (
            5, .sha512,
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
                + "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
        ),
    ]

    @Test(arguments: rows.indices) func vectors(index: Int) {
        let (input, algorithm, expected) = Self.rows[index]
        let (key, data) = Self.inputs[input]
        let code = MAC.of(data.span, key: key.span, algorithm)
        #expect(code.array == hex(expected))
    }

    /// RFC 2202 §3.
    @Test func sha1() {
        let key = Array("Jefe".utf8)
        let data = Array("what do ya want for nothing?".utf8)
        let code = MAC.of(data.span, key: key.span, .sha1)
        #expect(code.array == hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
    }

    /// The HMAC of nothing by nothing, and not by the key of the call before.
    @Test func emptyKeyAndData() {
        let key = Array("other".utf8)
        let nothing: [UInt8] = []
        _ = MAC.of(key.span, key: key.span, .sha256)
        let code = MAC.of(nothing.span, key: nothing.span, .sha256)
        #expect(
            code.array
                == hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
        )
    }

    @Test func comparison() {
        let left = Array("secret".utf8)
        for index in left.indices {
            var right = left
            let same = ConstantTime.equal(left.span, right.span)
            right[index] ^= 1
            let changed = ConstantTime.equal(left.span, right.span)
            let shorter = ConstantTime.equal(left.span, left.span.extracting(first: index))
            #expect(same && !changed && !shorter)
        }
        let nothing: [UInt8] = []
        let empty = ConstantTime.equal(nothing.span, nothing.span)
        #expect(empty)
    }
}
