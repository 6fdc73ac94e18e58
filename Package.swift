// swift-tools-version: 6.3
import PackageDescription

let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Functions that return a `Span` of their argument must say whose life it borrows.
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
    // Debug builds and the simulation prove exclusive access; a release build does not ask again, request by
    // request (measured: docs/decisions/0010).
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

// `make` says which commit this is; a plain `swift build`, or one of an archive, does not know. Nothing else of the
// environment goes into the binary, so that the same commit is the same build.
let commit = Context.environment["EDGED_COMMIT"] ?? "unknown"

let package = Package(
    name: "edged",
    products: [.executable(name: "edged", targets: ["edged"])],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "libssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CBrotli",
            pkgConfig: "libbrotlienc",
            providers: [.apt(["libbrotli-dev"])]
        ),
        .target(name: "CLua", linkerSettings: [.linkedLibrary("lua5.4")]),
        .target(name: "CBuild", cSettings: [.define("EDGED_COMMIT", to: "\"\(commit)\"")]),
        .target(
            name: "EdgeRuntime",
            dependencies: ["CBuild", "CLinux", "COpenSSL", "CLua", "CZlib", "CBrotli"],
            swiftSettings: house
        ),
        .executableTarget(name: "edged", dependencies: ["EdgeRuntime"], swiftSettings: house),
        .testTarget(
            name: "EdgeRuntimeTests",
            dependencies: ["EdgeRuntime", "CLinux", "COpenSSL", "CLua"],
            swiftSettings: house
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: ["EdgeRuntime", "COpenSSL"],
            exclude: ["Corpus"],
            swiftSettings: house
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["EdgeRuntime", "CLinux"],
            swiftSettings: house
        ),
        // Names `edged` so that the binary whose libraries it checks is built before the tests run.
        .testTarget(name: "HouseTests", dependencies: ["edged"], swiftSettings: house),
    ],
    swiftLanguageModes: [.v6]
)
