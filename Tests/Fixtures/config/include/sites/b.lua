local rows = {
  {
    path = "*",
    origin = "wab",
  },
}

return {
  b = { domains = { "b.example" }, behaviors = rows },
}
