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

-- What it has to do, said as simply as can be.
local function expected(text, replace)
  local out, at = {}, 1
  while at <= #text do
    local best
    for from in pairs(replace) do
      if string.sub(text, at, at + #from - 1) == from and (not best or #from > #best) then best = from end
    end
    table.insert(out, best and replace[best] or string.sub(text, at, at))
    at = at + (best and #best or 1)
  end
  return table.concat(out)
end

test("does so for texts that overlap, in pieces of any length", function()
  local replace = { aba = "1", ba = "2", ab = "3", bb = "4", caab = "5", aab = "6", c = "" }
  local seed = 7
  local function below(n)
    seed = (seed * 1103515245 + 12345) % 0x80000000
    return seed // 65536 % n
  end
  for _ = 1, 40 do
    local pieces = {}
    for i = 1, 1 + below(8) do
      local bytes = {}
      for k = 1, 1 + below(9) do bytes[k] = string.sub("abc", 1 + below(3)):sub(1, 1) end
      pieces[i] = table.concat(bytes)
    end
    local text = table.concat(pieces)
    expect({ text, body(pieces, { options = { replace = replace } }) }, { text, expected(text, replace) })
  end
end)

test("changes a large page within the limits", function()
  local row, changed = "<tr><td>some cell</td><td>another</td></tr>\n", "<tr><th>some cell</th><th>another</th></tr>\n"
  local replace = { ["td>"] = "th>", ["©2019"] = "©2026", ["http://intern.example"] = "https://www.example.com" }
  expect(body(string.rep(row, 1400), { options = { replace = replace } }) == string.rep(changed, 1400))
end)

test("takes texts as they are, not as patterns", function()
  local dots = { replace = { ["a.c"] = "%1" } }
  expect(body("abc a.c abc a.c", { options = dots }), "abc %1 abc %1")
end)

test("replaces nothing in what it has put there", function()
  expect(body("ab", { options = { replace = { a = "b", b = "a" } } }), "ba")
  expect(body("ab", { options = { replace = { a = "b", b = "a" }, types = { "text/", "text/html" } } }), "ba")
end)

test("leaves other types alone", function()
  for _, kind in ipairs { "text/css", "TEXT/HTML; charset=utf-8", "application/json", "application/javascript" } do
    expect(body("cat", { kind = kind }), "dog")
  end
  for _, kind in ipairs { "image/svg+xml", "application/x-text/plain", "application/octet-stream" } do
    expect(body("cat", { kind = kind }), "cat")
  end
  expect(body("cat", { kind = "image/svg+xml", options = { replace = options.replace, types = { "image/svg" } } }), "dog")
end)

test("refuses options that make no sense", function()
  expect_match(fails("origin_response", {}).message, "options.replace gives")
  expect_match(fails("origin_response", { options = { replace = { [""] = "x" } } }).message, "a text gives a text")
  expect_match(fails("origin_response", { options = { replace = {}, types = "text/" } }).message, "options.types is a list")
end)
