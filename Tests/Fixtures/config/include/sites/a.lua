return {
  a = { domains = { "a.example" }, behaviors = { { path = "*", origin = "web" } } },
}
