// What a file is, by the end of its name. Text says its character set, because HTML's default would be a guess;
// types of the +xml and +json kind say it themselves. Sorted by extension, which a test checks.

enum ContentTypes {
    /// For names that say nothing: the browser offers to save it.
    static let unknown: StaticString = "application/octet-stream"

    /// The type of the last segment of a path.
    static func type(ofPath path: Span<UInt8>) -> StaticString {
        var at = path.count
        while at > 0, path[at - 1] != UInt8(ascii: "."), path[at - 1] != UInt8(ascii: "/") {
            at -= 1
        }
        guard at > 0, path[at - 1] == UInt8(ascii: ".") else { return unknown }
        return type(ofExtension: path.extracting(droppingFirst: at))
    }

    static func type(ofExtension name: Span<UInt8>) -> StaticString {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            switch compare(rows[middle].name, name) {
            case 0: return rows[middle].type
            case ..<0: low = middle + 1
            default: high = middle
            }
        }
        return unknown
    }

    /// Negative if `known` comes first. Without case; `known` is in small letters.
    private static func compare(_ known: StaticString, _ name: Span<UInt8>) -> Int {
        let count = known.utf8CodeUnitCount
        for index in 0..<min(count, name.count) {
            let difference = Int(known.utf8Start[index]) - Int(name[index].lowercased)
            if difference != 0 { return difference }
        }
        return count - name.count
    }

    struct Row: Sendable {
        let name: StaticString
        let type: StaticString

        init(_ name: StaticString, _ type: StaticString) {
            self.name = name
            self.type = type
        }
    }

    static let rows: [Row] = [
        Row("3gp", "video/3gpp"),
        Row("7z", "application/x-7z-compressed"),
        Row("aac", "audio/aac"),
        Row("abw", "application/x-abiword"),
        Row("apng", "image/apng"),
        Row("atom", "application/atom+xml"),
        Row("avi", "video/x-msvideo"),
        Row("avif", "image/avif"),
        Row("azw", "application/vnd.amazon.ebook"),
        Row("bin", "application/octet-stream"),
        Row("bmp", "image/bmp"),
        Row("br", "application/x-brotli"),
        Row("bz2", "application/x-bzip2"),
        Row("c", "text/x-c; charset=utf-8"),
        Row("cer", "application/pkix-cert"),
        Row("conf", "text/plain; charset=utf-8"),
        Row("cpp", "text/x-c; charset=utf-8"),
        Row("crt", "application/x-x509-ca-cert"),
        Row("css", "text/css; charset=utf-8"),
        Row("csv", "text/csv; charset=utf-8"),
        Row("deb", "application/vnd.debian.binary-package"),
        Row("dmg", "application/x-apple-diskimage"),
        Row("doc", "application/msword"),
        Row("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        Row("dtd", "application/xml-dtd"),
        Row("eml", "message/rfc822"),
        Row("eot", "application/vnd.ms-fontobject"),
        Row("eps", "application/postscript"),
        Row("epub", "application/epub+zip"),
        Row("exe", "application/vnd.microsoft.portable-executable"),
        Row("f4v", "video/mp4"),
        Row("flac", "audio/flac"),
        Row("flv", "video/x-flv"),
        Row("geojson", "application/geo+json"),
        Row("gif", "image/gif"),
        Row("glb", "model/gltf-binary"),
        Row("gltf", "model/gltf+json"),
        Row("gpx", "application/gpx+xml"),
        Row("gz", "application/gzip"),
        Row("h", "text/x-c; charset=utf-8"),
        Row("heic", "image/heic"),
        Row("heif", "image/heif"),
        Row("htm", "text/html; charset=utf-8"),
        Row("html", "text/html; charset=utf-8"),
        Row("ico", "image/vnd.microsoft.icon"),
        Row("ics", "text/calendar; charset=utf-8"),
        Row("iso", "application/x-iso9660-image"),
        Row("jar", "application/java-archive"),
        Row("java", "text/x-java-source; charset=utf-8"),
        Row("jfif", "image/jpeg"),
        Row("jpeg", "image/jpeg"),
        Row("jpg", "image/jpeg"),
        Row("js", "text/javascript; charset=utf-8"),
        Row("json", "application/json"),
        Row("jsonl", "application/jsonl"),
        Row("jsonld", "application/ld+json"),
        Row("jxl", "image/jxl"),
        Row("key", "application/pgp-keys"),
        Row("kml", "application/vnd.google-earth.kml+xml"),
        Row("kmz", "application/vnd.google-earth.kmz"),
        Row("less", "text/css; charset=utf-8"),
        Row("log", "text/plain; charset=utf-8"),
        Row("lua", "text/x-lua; charset=utf-8"),
        Row("m3u8", "application/vnd.apple.mpegurl"),
        Row("m4a", "audio/mp4"),
        Row("m4s", "video/iso.segment"),
        Row("m4v", "video/mp4"),
        Row("manifest", "text/cache-manifest; charset=utf-8"),
        Row("map", "application/json"),
        Row("markdown", "text/markdown; charset=utf-8"),
        Row("md", "text/markdown; charset=utf-8"),
        Row("mid", "audio/midi"),
        Row("midi", "audio/midi"),
        Row("mjs", "text/javascript; charset=utf-8"),
        Row("mkv", "video/matroska"),
        Row("mov", "video/quicktime"),
        Row("mp3", "audio/mpeg"),
        Row("mp4", "video/mp4"),
        Row("mpd", "application/dash+xml"),
        Row("mpeg", "video/mpeg"),
        Row("mpg", "video/mpeg"),
        Row("msi", "application/x-msi"),
        Row("odp", "application/vnd.oasis.opendocument.presentation"),
        Row("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        Row("odt", "application/vnd.oasis.opendocument.text"),
        Row("oga", "audio/ogg"),
        Row("ogg", "audio/ogg"),
        Row("ogv", "video/ogg"),
        Row("ogx", "application/ogg"),
        Row("opus", "audio/ogg"),
        Row("otf", "font/otf"),
        Row("p12", "application/x-pkcs12"),
        Row("parquet", "application/vnd.apache.parquet"),
        Row("pdf", "application/pdf"),
        Row("pem", "application/x-pem-file"),
        Row("pgp", "application/pgp-encrypted"),
        Row("png", "image/png"),
        Row("ppt", "application/vnd.ms-powerpoint"),
        Row("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        Row("ps", "application/postscript"),
        Row("psd", "image/vnd.adobe.photoshop"),
        Row("py", "text/x-python; charset=utf-8"),
        Row("rar", "application/vnd.rar"),
        Row("rpm", "application/x-rpm"),
        Row("rss", "application/rss+xml"),
        Row("rtf", "application/rtf"),
        Row("sh", "application/x-sh"),
        Row("sig", "application/pgp-signature"),
        Row("sql", "application/sql"),
        Row("srt", "application/x-subrip"),
        Row("svg", "image/svg+xml"),
        Row("svgz", "image/svg+xml"),
        Row("swf", "application/x-shockwave-flash"),
        Row("swift", "text/x-swift; charset=utf-8"),
        Row("tar", "application/x-tar"),
        Row("tgz", "application/gzip"),
        Row("tif", "image/tiff"),
        Row("tiff", "image/tiff"),
        Row("toml", "application/toml"),
        Row("torrent", "application/x-bittorrent"),
        Row("ts", "video/mp2t"),
        Row("tsv", "text/tab-separated-values; charset=utf-8"),
        Row("ttc", "font/collection"),
        Row("ttf", "font/ttf"),
        Row("txt", "text/plain; charset=utf-8"),
        Row("vcf", "text/vcard; charset=utf-8"),
        Row("vtt", "text/vtt; charset=utf-8"),
        Row("wasm", "application/wasm"),
        Row("wav", "audio/wav"),
        Row("weba", "audio/webm"),
        Row("webm", "video/webm"),
        Row("webmanifest", "application/manifest+json"),
        Row("webp", "image/webp"),
        Row("woff", "font/woff"),
        Row("woff2", "font/woff2"),
        Row("xhtml", "application/xhtml+xml"),
        Row("xls", "application/vnd.ms-excel"),
        Row("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Row("xml", "application/xml"),
        Row("xsl", "application/xslt+xml"),
        Row("xslt", "application/xslt+xml"),
        Row("xz", "application/x-xz"),
        Row("yaml", "application/yaml"),
        Row("yml", "application/yaml"),
        Row("zip", "application/zip"),
        Row("zst", "application/zstd"),
    ]
}
