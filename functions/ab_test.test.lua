local options = { variants = { old = 75, new = 25 } }

local function variant(event)
  event.options = event.options or options
  return run("viewer_request", event).request.headers["x-variant"]
end

test("shares viewers out by weight", function()
  local count = { old = 0, new = 0, none = 0 }
  for i = 1, 1000 do
    local name = variant { options = { variants = { old = 7.5, new = 2.5, none = 0 } } }
    count[name] = count[name] + 1
  end
  expect(count.new > 180 and count.new < 320)
  expect(count.old + count.new, 1000)
  expect(count.none, 0)
end)

test("lets a viewer keep its variant", function()
  for i = 1, 20 do expect(variant { id = "request-" .. i, headers = { cookie = "variant=new" } }, "new") end
end)

test("draws again for a variant that is no more", function()
  expect(variant { headers = { cookie = "variant=older" }, options = { variants = { only = 1 } } }, "only")
end)

test("sets the cookie with the answer, once", function()
  local first = run("viewer_request", { options = options })
  local answer = run("viewer_response", { options = options, state = first.state })
  local name = first.request.headers["x-variant"]
  expect(#answer.response.headers["set-cookie"], 1)
  expect_match(answer.response.headers["set-cookie"][1], "^variant=" .. name .. ";")
  expect_match(answer.response.headers["set-cookie"][1], "Max%-Age=2592000")
  expect_match(answer.response.headers["set-cookie"][1], "Secure")

  local second = run("viewer_request", { options = options, headers = { cookie = "variant=" .. name } })
  answer = run("viewer_response", { options = options, state = second.state })
  expect(answer.response.headers["set-cookie"], nil)
end)

test("says in the access log who got what", function()
  expect(run("viewer_request", { options = { variants = { only = 1 } } }).access_log.variant, "only")
end)

test("uses other names and times if told to, and works at the origin's stage", function()
  local with = { variants = { only = 1 }, cookie = "v", header = "x-v", days = 1 }
  local r = run("origin_request", { options = with })
  expect(r.request.headers["x-v"], "only")
  local cookies = run("viewer_response", { options = with, state = r.state, protocol = "http" }).response.headers["set-cookie"]
  expect(cookies, { "v=only; Path=/; Max-Age=86400; SameSite=Lax" })
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.variants gives")
  expect_match(fails("viewer_request", { options = { variants = { a = "x" } } }).message, "%[\"a\"%] is a weight")
  expect_match(fails("viewer_request", { options = { variants = { a = 0 } } }).message, "no variant with a weight")
  expect_match(fails("viewer_request", { options = { variants = { a = 1, b = -0.5 } } }).message, "%[\"b\"%] is a weight")
end)
