local function status(country, options)
  local response = run("viewer_request", { country = country, options = options }).response
  return response and response.status
end

test("blocks the countries of the list", function()
  local r = run("viewer_request", { country = "KP", options = { block = { "KP" } } })
  expect(r.response, {
    status = 403, body = "not available here\n",
    headers = { ["content-type"] = "text/plain; charset=utf-8", ["cache-control"] = "no-store" },
  })
  expect(status("KR", { block = { "KP" } }), nil)
end)

test("lets through only those that are allowed", function()
  expect(status("CH", { allow = { "CH", "LI" } }), nil)
  expect(status("DE", { allow = { "CH", "LI" } }), 403)
end)

test("does with the unknown what it is told", function()
  expect(status(nil, { allow = { "CH" } }), nil)
  expect(status(nil, { allow = { "CH" }, unknown = "block" }), 403)
end)

test("answers as it is told", function()
  local r = run("viewer_request", { country = "KP", options = { block = { "KP" }, status = 451, body = "law\n" } })
  expect(r.response.status, 451)
  expect(r.response.body, "law\n")
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "need allow or block")
  expect_match(fails("viewer_request", { options = { block = { "kp" } } }).message, "'kp': two capitals")
  for _, name in ipairs { "KPX", "xKP", "" } do
    expect_match(fails("viewer_request", { options = { allow = { name } } }).message, "options.allow has '" .. name .. "'")
  end
  expect_match(fails("viewer_request", { options = { block = "KP" } }).message, "options.block is a list of countries")
  expect_match(fails("viewer_request", { options = { block = {}, unknown = "x" } }).message, "options.unknown")
end)
