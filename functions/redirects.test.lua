local options = {
  map = {
    ["/old"] = "/new", ["/blog/*"] = "/news/*", ["/blog/2019/*"] = "/archive", ["/shop"] = "https://shop.example/?from=a",
  },
}

local function location(path, with)
  local r = run("viewer_request", { path = path, options = with or options })
  return r.response and r.response.headers.location
end

test("leads on from a path of the table", function()
  local r = run("viewer_request", { path = "/old", options = options })
  expect(r.response.status, 301)
  expect(r.response.headers.location, "/new")
end)

test("lets other paths go on", function()
  expect(location("/older"), nil)
  expect(location("/"), nil)
end)

test("takes the rest of the path along", function() expect(location("/blog/a/b"), "/news/a/b") end)

test("lets the longest pattern win", function() expect(location("/blog/2019/x"), "/archive") end)

test("looks at the beginning of a path only", function()
  for _, path in ipairs { "/x/blog/a", "//blog/a", "/blo", "/old/", "/x/old", "/OLD" } do
    local r = run("viewer_request", { path = path .. "?a=1", options = options })
    expect({ path, r.response }, { path, nil })
  end
end)

test("takes the query along", function()
  expect(location("/old?a=1"), "/new?a=1")
  expect(location("/shop?a=1"), "https://shop.example/?from=a&a=1")
  expect(location("/old?a=1", { map = options.map, keep_query = false }), "/new")
end)

test("answers with another status", function()
  local r = run("viewer_request", { path = "/old", options = { map = options.map, status = 308 } })
  expect(r.response.status, 308)
  for _, status in ipairs { 302, 303, 307 } do
    r = run("viewer_request", { path = "/old", options = { map = options.map, status = status } })
    expect(r.response.status, status)
  end
end)

test("lets nobody choose the host", function()
  local with = { map = { ["/r/blog/*"] = "/*", ["/out/*"] = "https://shop.example/*" } }
  for _, path in ipairs { "/r/blog//evil.example/x", "/r/blog/\\evil.example/x", "/r/blog///evil.example/x", "/r/blog/\\/evil.example/x" } do
    expect(location(path, with), "/evil.example/x")
  end
  expect(location("/r/blog/a//b", with), "/a//b")
  expect(location("/out//evil.example/x", with), "https://shop.example//evil.example/x")
  for _, to in ipairs { "https://shop.example*", "https://*", "//shop.example/*", "/\\shop.example", "*", "shop.example/*", "https:///*", "1https://a", "1https://a/" } do
    expect_match(fails("viewer_request", { options = { map = { ["/a/*"] = to } } }).message, "a path leads to a path, or to a URL")
  end
  for _, to in ipairs { "https://shop.example", "https://shop.example?a", "/a//b" } do
    expect(location("/shop", { map = { ["/shop"] = to } }), to)
  end
end)

test("puts the query before a fragment", function()
  expect(location("/old?a=1", { map = { ["/old"] = "/new#top" } }), "/new?a=1#top")
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.map is a table")
  expect_match(fails("viewer_request", { options = { map = {}, status = 200 } }).message, "options.status")
  expect_match(fails("viewer_request", { options = { map = { old = "/new" } } }).message, "%[\"old\"%]")
  expect_match(fails("viewer_request", { options = { map = { "/new" } } }).message, "%[\"1\"%]: a path leads to")
  expect_match(fails("viewer_request", { options = { map = { ["/a"] = 1 } } }).message, "a path leads to")
end)
