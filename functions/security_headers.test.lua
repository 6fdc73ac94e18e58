local function respond(event)
  event.response = event.response or { status = 200 }
  return run("viewer_response", event).response.headers
end

test("sets the defaults", function()
  local headers = respond {}
  expect(headers["x-content-type-options"], "nosniff")
  expect(headers["x-frame-options"], "DENY")
  expect(headers["referrer-policy"], "strict-origin-when-cross-origin")
  expect(headers["strict-transport-security"], "max-age=63072000")
end)

test("says nothing about transport security over HTTP", function()
  expect(respond({ protocol = "http" })["strict-transport-security"], nil)
end)

test("keeps what the origin says", function()
  local headers = respond { response = { headers = { ["X-Frame-Options"] = "SAMEORIGIN" } } }
  expect(headers["x-frame-options"], "SAMEORIGIN")
end)

test("takes headers of the options, in any case, and leaves out others", function()
  local headers = respond {
    options = { ["Content-Security-Policy"] = "default-src 'self'", ["Referrer-Policy"] = false, ["X-Frame-Options"] = "SAMEORIGIN" },
  }
  expect(headers["content-security-policy"], "default-src 'self'")
  expect(headers["referrer-policy"], nil)
  expect(headers["x-frame-options"], "SAMEORIGIN")
end)

test("refuses an option that is no header's value", function()
  local failure = fails("viewer_response", { options = { ["x-frame-options"] = 7 } })
  expect_match(failure.message, "options%[\"x%-frame%-options\"%] is a string")
end)
