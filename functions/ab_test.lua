-- ab_test: shares viewers out among variants, and lets each one keep the variant it got.
--
--   viewer_request  = { { name = "shelf/ab_test", options = { variants = { old = 90, new = 10 } } } },
--   viewer_response = { { name = "shelf/ab_test", options = { variants = { old = 90, new = 10 } } } },
--
-- Attached at origin_request instead of viewer_request, only requests that go to the origin are shared out.
-- The origin, and functions after this one, find the variant in a request header. A cache that is to keep the variants
-- apart needs that header in its key.
--
-- Options:
--   variants  from a variant's name to its weight; needed
--   cookie    its name, default "variant"
--   header    request header for the origin, default "x-variant"
--   days      how long a viewer keeps its variant, default 30

local prepared = {}   -- by the options of the attachment

local function prepare(options)
  if type(options.variants) ~= "table" then error("ab_test: options.variants gives each variant's weight", 0) end
  local settings = {
    names = {}, weights = options.variants, total = 0,
    cookie = options.cookie or "variant", header = options.header or "x-variant",
    seconds = (options.days or 30) * 86400,
  }
  for name, weight in pairs(options.variants) do
    if type(weight) ~= "number" or weight < 0 then
      error("ab_test: options.variants[\"" .. name .. "\"] is a weight, a number from 0", 0)
    end
    if weight > 0 then table.insert(settings.names, name) end
    settings.total = settings.total + weight
  end
  if settings.total <= 0 then error("ab_test: options.variants has no variant with a weight above 0", 0) end
  prepared[options] = settings
  return settings
end

local function draw(settings)
  local place = math.random() * settings.total
  for _, name in ipairs(settings.names) do
    place = place - settings.weights[name]
    if place < 0 then return name end
  end
  return settings.names[#settings.names]
end

local function request(event)
  local settings = prepared[event.options] or prepare(event.options)
  local variant = event.request.cookies[settings.cookie]
  if not variant or not settings.weights[variant] then
    variant = draw(settings)
    event.state.ab_test_new = variant
  end
  event.request.headers[settings.header] = variant
  event.log.variant = variant
end

local function viewer_response(event)
  local settings = prepared[event.options] or prepare(event.options)
  local variant = event.state.ab_test_new
  if not variant then return end
  event.response.cookies[settings.cookie] = {
    value = variant, path = "/", max_age = settings.seconds, same_site = "Lax",
    secure = event.viewer.protocol == "https",
  }
end

return { viewer_request = request, origin_request = request, viewer_response = viewer_response }
