local options = { agents = { "GPTBot", "crawler" }, allow = { "nice-crawler" } }

local function visit(agent, with)
  return run("viewer_request", { headers = { ["user-agent"] = agent }, options = with or options })
end

test("turns away who is on the list, in any case", function()
  expect(visit("Mozilla/5.0; compatible; GPTBot/1.1").response.status, 403)
  expect(visit("gptbot").response.status, 403)
  expect(visit("gptbot").response, {
    status = 403, body = "no robots here\n",
    headers = { ["content-type"] = "text/plain; charset=utf-8", ["cache-control"] = "no-store" },
  })
end)

test("lets others go on", function()
  expect(visit("Mozilla/5.0 Firefox/128.0").response, nil)
  expect(visit("nice-crawler/2").response, nil)
end)

test("takes texts as they are, not as patterns", function()
  expect(visit("abc", { agents = { "a.c" } }).response, nil)
  expect(visit("x a.c y", { agents = { "a.c" } }).response.status, 403)
end)

test("turns away the nameless only if told to", function()
  expect(visit(nil).response, nil)
  expect(visit(nil, { agents = {}, block_empty = true, status = 429 }).response.status, 429)
  expect(visit(nil, { agents = {}, block_empty = true }).access_log.bot, "(none)")
end)

test("says in the access log whom it turned away", function() expect(visit("GPTBot/1.1").access_log.bot, "gptbot/1.1") end)

test("says of a long name what fits into a log", function()
  local r = visit("GPTBot" .. string.rep("x", 5000))
  expect(r.response.status, 403)
  expect(r.access_log.bot, "gptbot" .. string.rep("x", 194))
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.agents is a list")
  expect_match(fails("viewer_request", { options = { agents = {}, allow = "x" } }).message, "options.allow is a list")
end)
