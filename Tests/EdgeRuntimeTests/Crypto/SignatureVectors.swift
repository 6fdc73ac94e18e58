@testable import EdgeRuntime

// Made once with the Python package `cryptography`: keys, and signatures of `message` by them.

enum SignatureVectors {
    static let message = "edge signs nothing, it only verifies"

    static let rsa = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4VL6jAyAGI+iYCPp4xlA
        EFNROkfXmeKi/hSYeHpd1spnGx7b2wv7seVHeo8thJNKtgc+laYrRMb2Q7acy2mb
        yWKI8aiRbXH5qcxYljk6yMld9auxWf8Zyebxklobbf7ZtcDXPeH5FJXuFLMQJvQ2
        /bLyH22fGCFqs2UNmjqEHIVp1FD3rLChacp5VZuykfl5runqES40iz8F3fLpKPtw
        W3Q1kxq3zVhhxpTMdULRFiyXfg5FGC1DAOUQfRYPXsI5mzo5u+mAaCtvRy1Jfh5g
        Qz8GqHZEqK5hPO4YQmt0N+m5mawAFFyH2Mnf/+EQ/8+ua0c2HOfBPvvS3VR15Kn2
        AQIDAQAB
        -----END PUBLIC KEY-----
        """

    static let rsaPKCS1 = """
        -----BEGIN RSA PUBLIC KEY-----
        MIIBCgKCAQEA4VL6jAyAGI+iYCPp4xlAEFNROkfXmeKi/hSYeHpd1spnGx7b2wv7
        seVHeo8thJNKtgc+laYrRMb2Q7acy2mbyWKI8aiRbXH5qcxYljk6yMld9auxWf8Z
        yebxklobbf7ZtcDXPeH5FJXuFLMQJvQ2/bLyH22fGCFqs2UNmjqEHIVp1FD3rLCh
        acp5VZuykfl5runqES40iz8F3fLpKPtwW3Q1kxq3zVhhxpTMdULRFiyXfg5FGC1D
        AOUQfRYPXsI5mzo5u+mAaCtvRy1Jfh5gQz8GqHZEqK5hPO4YQmt0N+m5mawAFFyH
        2Mnf/+EQ/8+ua0c2HOfBPvvS3VR15Kn2AQIDAQAB
        -----END RSA PUBLIC KEY-----
        """

    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIICozCCAYugAwIBAgIBBzANBgkqhkiG9w0BAQsFADAUMRIwEAYDVQQDDAllZGdl
        IHRlc3QwIBcNMjAwMTAxMDAwMDAwWhgPMjA1MDAxMDEwMDAwMDBaMBQxEjAQBgNV
        BAMMCWVkZ2UgdGVzdDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAOFS
        +owMgBiPomAj6eMZQBBTUTpH15niov4UmHh6XdbKZxse29sL+7HlR3qPLYSTSrYH
        PpWmK0TG9kO2nMtpm8liiPGokW1x+anMWJY5OsjJXfWrsVn/Gcnm8ZJaG23+2bXA
        1z3h+RSV7hSzECb0Nv2y8h9tnxgharNlDZo6hByFadRQ96ywoWnKeVWbspH5ea7p
        6hEuNIs/Bd3y6Sj7cFt0NZMat81YYcaUzHVC0RYsl34ORRgtQwDlEH0WD17COZs6
        ObvpgGgrb0ctSX4eYEM/Bqh2RKiuYTzuGEJrdDfpuZmsABRch9jJ3//hEP/PrmtH
        NhznwT770t1UdeSp9gECAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAzNjQaVDy23eO
        EVqLgWe3+Qf8cDzL3D7dk/DwZQxAk7mP04L+XoOMk1BhEVBCKZJ353sR15/2BBMg
        /JLh7Bd0zGoluTGGdp5Aw5rV6jy249o/AToZ/eF6rOeC5ADUPuUlKFtIELRwG1dC
        117dH5y57J/EV1nYTSau7LF+QTLzgAhtsSWzZhahbpZMec8UhKqa0btEU0pZCjv4
        k7igWTd3QpMSBOms28GrVI/x/7T9Lik5EnhDNHZ5lNGxv0VjavWEl+BmLspOmbF9
        bMB6WwLhTYoflS9X9eIuN4TKDYZaI/WwwlkRV8H7qOJuhNHK7mi6+y3qU8HUxW0G
        MvPLBvitkA==
        -----END CERTIFICATE-----
        """

    static let p256 = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpIzmg0ueVQQzmo2f709SMY8jBeit
        UpUuq90aYSe8X8N1L08nxrWPI0qwI1pinR1P0yZGOObwjTqKkkgAxemn5w==
        -----END PUBLIC KEY-----
        """

    static let p384 = """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzYYuvihfEqi1fZ3Eh2lsxoPh/xA6zzUk
        yJix4RhMlG7Nmn1uFCUUNo+YX0XAhzcaJCaF2BXL6QEqpbc9LnE13lYYXXp+FxIB
        b+ELzZDXhKmOgv5KhRGQp71Cbdtu5K6x
        -----END PUBLIC KEY-----
        """

    static let p521 = """
        -----BEGIN PUBLIC KEY-----
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQA6vOSbMXTXkuA/vLqrfPF8H7UEya9
        YiRbMQppkWtAwYLVY8On+xiD5tV+pLBRIN9ZnwuPimXVDkTXV90ovnR8izwBtEPS
        ds+si6c9rpPFuJglJfB3ZSiTTj4pVIwuNgC/trmBeQT+Vh3hYBYRNmoqN1DzT0or
        pAR3oW5qUQjkJdcNvTc=
        -----END PUBLIC KEY-----
        """

    static let secp256k1 = """
        -----BEGIN PUBLIC KEY-----
        MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEHFiTbcMnE+bcCHDdmAd2OuOI2aYU1GU/
        SdqUCK3ndBM3x0fzHHPhv1qvkgwa/tLAm4qwLmmq7Z53gJfrkcDJ6A==
        -----END PUBLIC KEY-----
        """

    static let rsa1024 = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCoddpltOwwg9IRxUwcUsf6g31E
        18aUX06u3uQbecs6eQWdAmGldNZ1FABz2WHFGq4ZO9gXqSRcGKHuIqDaaJ4HYitN
        bpv4Z4kyLI+VRWZL+CjaL4s2TMSn+6aOuzfuz/RGRfipGcFj7DOCiLaPgTJvFtol
        kGtxetZoPfMxfd6p8QIDAQAB
        -----END PUBLIC KEY-----
        """

    static let ed25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAR9ri9+RJGsVJTrgfnpjYBbi1Do2MhBsyrbwKDpVIUt0=
        -----END PUBLIC KEY-----
        """

    static let secret = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZ/uzK8DocVO/8XP2
        Zorhp6Q6CXjdjH3QBQHiALP087ihRANCAASkjOaDS55VBDOajZ/vT1IxjyMF6K1S
        lS6r3RphJ7xfw3UvTyfGtY8jSrAjWmKdHU/TJkY45vCNOoqSSADF6afn
        -----END PRIVATE KEY-----
        """

    static let signatures: [(scheme: Signature.Scheme, key: String, hex: String)] = [
        (
            .pkcs1(.sha1), rsa,
            "9787432a8d64ebf07bff3fa569649d2f796816acf68db459baf25222dd6a43a25214749b2c99a46d"
                + "1c3cbae185bc0e826415518db5f6bd1bd248b8764b5bf0eedd517989e54af8bb97cb8baae0162951"
                + "875b1f72c9547835faa00a94bfefff28062c000e8487f3b73f307e7a482f8ab0d0ef07ba6d18f706"
                + "3d753764dfd9d9f2c93b41b7abc923f58c33808d935de5e4706caebdb837f568072fef1788460712"
                + "8d91d4fb18f2bae0da123e91d12150b0c4e307bee36c6f984662a892466d5bad53d8bc983b23d6fe"
                + "c7762e497a1af53365f18b7a392e55845246baa1411cb7e541d8b890633906274501e7e92428ba36"
                + "1504309af6949a552d433c1497c9efba"
        ),
        (
            .pkcs1(.sha256), rsa,
            "b6759c6672d5635c9a1b42ec640c9bb21031c79a6c4124a0fd6057cf2be8fcfefa7ed40489bc52db"
                + "8e252871ef91310b948bb7c5876649f0fc514e3d252f4df82a81d74c1564654c70f1ceeecc6c1b71"
                + "238c7dc1328536459c567f2f3f5f7942e15574eb91102c3ce7186713911408ef614cf387d839dee7"
                + "2c42ede6d057ae741f773723c4bb689076945c5b9b040324e212ddb2a0efeee49baf82d817a52e1c"
                + "fd4b852a34dbc36db15b9ff14c0e0e5a1fc884feda0dc11fa4012f335f97599ee823a98ea1f0af1a"
                + "54b28ea053eaad86fbcc3d77fb62c918a5e0cf93e9c6f40d42cebcfb3a5d236260b49280b275b949"
                + "88b4614e4f9033ba0a2b727041b13d8d"
        ),
        (
            .pkcs1(.sha384), rsa,
            "6a7bd4cf3d00f39ee2b34792551f8083071d1c21b866418ae98dcd1d68d0c2201815260797fb7a33"
                + "497f2ab4db4cc95fa4986f4efcc71dca1aae0d39f32a205bdad8d3c47baa092a082a4bcabcb65c1a"
                + "cf5359c688c4f9f75f75284fca1ae253d832f4546ef7a4230307d86cfd2cb8d7e9c6a51b1221c336"
                + "0e77729f87bc88312091fbe63284ab09cd5c4ae6560b1637e9be1129196e16ecced8f0950dccbf44"
                + "fa12acf8221b933a085b8ca55b0b962cd71d3ead0d5cd8e3886c899b9793a32f98ec8d4f2e87a818"
                + "85a5d596e224aa50779ba59a9257ea99a696ea446fcb31168d27548f8358a048e85a89a10ae105f9"
                + "8cd41be006d1ef2a1565773995137189"
        ),
        (
            .pkcs1(.sha512), rsa,
            "a04cd987ae891a1150dafee4c1b56ad056f2b588527285d315c97265e3d83edfb9628ed5cb55509d"
                + "b2ca3da76e9947f010f5015cf0fc6ad12f2031f9ff4b1196dbf11f7f34a59c2122a2b68ee678f7fb"
                + "b4496d3f26c241f49b1bbf9bbb53f57f459c9bcbbf8d01efa9e07b112952485260675525ee5b74ad"
                + "f91b26f2ff2209c592be703e33b82277b37aa62fe462c0807eae2c1d5c9a580847b077036022f915"
                + "3051eef66fea15f4c20ea760130da83e7bfb15179b5f5010deee1c1d847b39c0a3d3268c4ec7d406"
                + "4a59b1ca7ae29c0d970e7222bb13ce23219d718923abd36727829c6ce3c6f0b003fbe9fb97abd490"
                + "c5b24b8d19e0b6597bc762137c4594ab"
        ),
        (
            .pss(.sha256), rsa,
            "56752f7e49ee41128839a148723d255bc7f6d9ee9755dde2548864daf4dcc09f6b056212c4908678"
                + "359dd9691a70773364ebd8af4bd9f0dfd6ed23e2025d731e08d479138ef2b85096dea8c9fcf9ae4d"
                + "a0c58129a07a311c52856ef96b4dc7f00a0328eca6eb2db385b2e3878a10ce7d3db132479a0f044a"
                + "e2044cb84c7f87d41d6c2258873e14e62d3c9eeb8bc660388ccd1ba3187b83abc2789047644fc63c"
                + "8fac56f5afba77c271f38a98fd7b5528cee5c9373feb090ff4ecf8506ca65a402224eaf5b0aadcc7"
                + "1313df57d69c9253c734575129de7c7e779cd023f4bc9154ceae423115d8aeb10f72af3555b29cf9"
                + "601af656879749775aa28c483a108038"
        ),
        (
            .pss(.sha384), rsa,
            "d55266a259d8ac49c1a137c46d6c62d14207a3495f0a6ff994227d4de2f033f77ce22a1db9a930f5"
                + "b9078442665953a65328119aeff980cd22257095aaa0ea8e023630b8aa5cb881e31a8e0993198eda"
                + "36394da35f1c94b8cc50369ea90e9094c4ef072ae7390bbc5c09efdee57f64c26070a06ac3792db9"
                + "42d84848d24f7fbde40a47ee72e0d7256169a609d5bbaaf395bfa72b725dd3557f49ee4532ddbd10"
                + "b541c186c7d8061e80d447053f506845e6b08e50ec8449f971bed451c923060bce810f903757cf34"
                + "13b2cdea8efdfd48cfed37b07bed4506452f5c26c45cc5f6c6d46011daffedb25ac5121696c9dec5"
                + "a1840a950d1f9403445785f7a5068deb"
        ),
        (
            .pss(.sha512), rsa,
            "997fd29de3fa245139d3ba399647b9a2b93dd5e6548d56a3a8a0c134959d22795be0f4f8b09c4d59"
                + "1b42865cd93ea2503f25279432e1c0897f0bf8b03657ef384b8af5f08b1bf4f76e8eff86516a1a65"
                + "bd64375041625a6b99815471697493e350ed6d27b9d0e731140fae5f3e10d78883539b75b7886681"
                + "ee49066d9cd483b761558b4e5499718d94c7ac6190ebd9367ce3b21fedf1fddc1dde021d93767f93"
                + "7a47a6c46f7df04b0ee7dea441705afaf0519b5720406b8b8e87087e992b29115982b238192eadcf"
                + "16346279b94a8b1ee02026a431ab5b4a97e68c55097c1f83e3aa7d3b884814a42c6a3dc438cbedf9"
                + "68f7bd64a91f6d9ef4029f366c85afbb"
        ),
        (
            .ecdsa(.sha1), p256,
            "30460221009107bdb114bbfd53346df5863d90c84897ce40cf7eac23b2371099aabb2be0d0022100"
                + "f9708de8d173edf7ee752903ce7ba4924e76d98cdbab5c6a27915c68654ad6c1"
        ),
        (
            .ecdsaPair(.sha1), p256,
            "9107bdb114bbfd53346df5863d90c84897ce40cf7eac23b2371099aabb2be0d0f9708de8d173edf7"
                + "ee752903ce7ba4924e76d98cdbab5c6a27915c68654ad6c1"
        ),
        (
            .ecdsa(.sha256), p256,
            "304502203885582240020692d8bd97282423b22c276aafb9c44ebf72f9ddd4c4653489df0221009e"
                + "04b7b9a110af8acfd8adba97f64c39d352a499750c35141cf3e52447fe79d0"
        ),
        (
            .ecdsaPair(.sha256), p256,
            "3885582240020692d8bd97282423b22c276aafb9c44ebf72f9ddd4c4653489df9e04b7b9a110af8a"
                + "cfd8adba97f64c39d352a499750c35141cf3e52447fe79d0"
        ),
        (
            .ecdsa(.sha384), p384,
            "3066023100c3d65e28c2ab080236d5af41f941a5906745d63ed20146c43a8d80775ca3cc2cbe494e"
                + "1fa9cdfb50c5a46b160dcde3c4023100f868a281887adbfa0a33d689b0361875049eea9ea1888987"
                + "a25ab8af390ed5b4b60782f162b23ef3e444a585bd82becd"
        ),
        (
            .ecdsaPair(.sha384), p384,
            "c3d65e28c2ab080236d5af41f941a5906745d63ed20146c43a8d80775ca3cc2cbe494e1fa9cdfb50"
                + "c5a46b160dcde3c4f868a281887adbfa0a33d689b0361875049eea9ea1888987a25ab8af390ed5b4"
                + "b60782f162b23ef3e444a585bd82becd"
        ),
        (
            .ed25519, ed25519,
            "e994440ea44fc45dd99eb0f0f3f30bab9615c064f2eff8e8166e6e8ec696a0f4edb222235273acaf"
                + "2cce9506c022ef4a565aae62989ae27d9efa0c88953adf03"
        ),
    ]

    /// PSS over SHA-256 with a salt of 20 bytes, which is not what JWS allows.
    static let shortSalt =
        "a4a2b572664b7491a6134fc8f76be08a7514c661157886a2f7265dad9ca0b0aed27f98f4dcd99640"
        + "c8c805ce3c7c1985e316bb286ae5a79debacb96b12d30eb81444a9460724455fbf41022b8aa7e991"
        + "48a8e0d4de4b0de5adf2424ebe48c85d69c2e3a090220df79d5853257ecf039c25e36dbaed816f6f"
        + "211d8192cfa6ddbe2b00150ff3446e455278e10738618873c4205841f62e31e8dc8e240d51155874"
        + "fd0e223c80ca72b274a63c75fe45aaefbe8f873e953c28608bfb96eec994f4e7db48def0340e0c30"
        + "2543008e8f8f89a8cfe6ffbaea7942d4ba12709670b2ee138dea8099c5c5378f66344542227f6b68"
        + "ec861a0a0babb0db1c823fbc31668705"
}
