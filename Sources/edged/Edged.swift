@main
enum Edged {
    static func main() {}
}
