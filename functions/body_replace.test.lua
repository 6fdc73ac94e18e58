local options = { replace = { ["http://a"] = "https://b", ["http://a.example"] = "/", cat = "dog" } }

-- A body is a string, or a list of the pieces in which it comes.
local function body(pieces, event)
  event = event or {}
  local response = { headers = { ["content-type"] = event.kind or "text/html", etag = "\"1\"" }, body = pieces }
  return run("origin_response", { options = event.options or options, response = response }).response.body
end

test("puts one text in the place of another", function()
  expect(body("a cat, <a href=\"http://a/x\">cats</a>"), "a dog, <a href=\"https://b/x\">dogs</a>")
  expect(body("nothing"), "nothing")
  expect(body(""), "")
end)

test("lets the longer text count", function() expect(body("http://a.example http://a.exampl"), "/ https://b.exampl") end)

test("finds texts wherever the body is cut", function()
  local text, wanted = "xcat http://a.example catc http://a.exampcat", "xdog / dogc https://b.exampdog"
  for cut = 0, #text do expect(body { string.sub(text, 1, cut), string.sub(text, cut + 1) }, wanted) end
  local bytes = {}
  for i = 1, #text do bytes[i] = string.sub(text, i, i) end
  expect(body(bytes), wanted)
end)

test("replaces nothing in what it has put there", function()
  expect(body("ab", { options = { replace = { a = "b", b = "a" } } }), "ba")
end)

test("leaves other types alone", function()
  expect(body("cat", { kind = "image/svg+xml" }), "cat")
  expect(body("cat", { kind = "image/svg+xml", options = { replace = options.replace, types = { "image/svg" } } }), "dog")
end)

test("refuses options that make no sense", function()
  expect_match(fails("origin_response", {}).message, "options.replace gives")
  expect_match(fails("origin_response", { options = { replace = { [""] = "x" } } }).message, "a text gives a text")
  expect_match(fails("origin_response", { options = { replace = {}, types = "text/" } }).message, "options.types is a list")
end)
