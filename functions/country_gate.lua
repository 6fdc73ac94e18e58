-- country_gate: answers viewers of some countries at the edge.
--
--   viewer_request = { { name = "shelf/country_gate", options = { block = { "KP", "IR" } } } }
--
-- Options:
--   allow    list of countries (ISO 3166-1, two letters): only they come through
--   block    list of countries that do not; one of allow and block is needed
--   unknown  what becomes of viewers whose country nobody knows: "allow" (default) or "block"
--   status   default 403
--   body     default "not available here\n"

local prepared = {}   -- by the options of the attachment

local function set(list, name)
  if list == nil then return nil end
  if type(list) ~= "table" then error("country_gate: options." .. name .. " is a list of countries", 0) end
  local countries = {}
  for _, country in ipairs(list) do
    if type(country) ~= "string" or not string.find(country, "^%u%u$") then
      error("country_gate: options." .. name .. " has '" .. tostring(country) .. "': two capitals are wanted", 0)
    end
    countries[country] = true
  end
  return countries
end

local function prepare(options)
  local settings = { allow = set(options.allow, "allow"), block = set(options.block, "block") }
  if not settings.allow and not settings.block then error("country_gate: options need allow or block", 0) end
  local unknown = options.unknown or "allow"
  if unknown ~= "allow" and unknown ~= "block" then
    error("country_gate: options.unknown is \"allow\" or \"block\"", 0)
  end
  settings.blocks_unknown = unknown == "block"
  prepared[options] = settings
  return settings
end

local function is_blocked(settings, country)
  if not country then return settings.blocks_unknown end
  if settings.block and settings.block[country] then return true end
  return settings.allow ~= nil and not settings.allow[country]
end

local function viewer_request(event)
  local options = event.options
  if not is_blocked(prepared[options] or prepare(options), event.viewer.country) then return end
  return {
    status = options.status or 403,
    headers = { ["content-type"] = "text/plain; charset=utf-8", ["cache-control"] = "no-store" },
    body = options.body or "not available here\n",
  }
end

return { viewer_request = viewer_request }
