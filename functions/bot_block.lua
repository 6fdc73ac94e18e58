-- bot_block: turns away clients by what they call themselves.
--
--   viewer_request = { { name = "shelf/bot_block", options = { agents = { "GPTBot", "AhrefsBot" } } } }
--
-- This stops the honest ones. Whoever lies about User-Agent needs `rate_limit` or a rule on addresses.
--
-- Options:
--   agents       list of texts; a User-Agent that has one of them, in any case, is turned away; needed
--   allow        list of texts that come through nevertheless
--   block_empty  true turns away clients that send no User-Agent
--   status       default 403

local function check(options)
  if type(options.agents) ~= "table" then error("bot_block: options.agents is a list of texts", 0) end
  if options.allow ~= nil and type(options.allow) ~= "table" then
    error("bot_block: options.allow is a list of texts", 0)
  end
end

local function has_one(agent, texts)
  for _, text in ipairs(texts or {}) do
    if string.find(agent, string.lower(text), 1, true) then return true end
  end
  return false
end

local checked = {}   -- by the options of the attachment

local function viewer_request(event)
  local options = event.options
  if not checked[options] then
    check(options)
    checked[options] = true
  end
  local agent = string.lower(event.request.headers["user-agent"] or "")
  local is_blocked
  if agent == "" then
    is_blocked = options.block_empty == true
  else
    is_blocked = has_one(agent, options.agents) and not has_one(agent, options.allow)
  end
  if not is_blocked then return end
  event.log.bot = agent ~= "" and string.sub(agent, 1, 200) or "(none)"   -- viewers make it as long as they like
  return {
    status = options.status or 403,
    headers = { ["content-type"] = "text/plain; charset=utf-8", ["cache-control"] = "no-store" },
    body = "no robots here\n",
  }
end

return { viewer_request = viewer_request }
