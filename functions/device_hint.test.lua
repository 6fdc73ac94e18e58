local function device(agent)
  return run("viewer_request", { headers = { ["user-agent"] = agent } }).request.headers["x-device"]
end

test("knows the usual devices", function()
  expect(device("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"), "desktop")
  expect(device("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 Mobile/15E148"), "mobile")
  expect(device("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Mobile Safari/537.36"), "mobile")
  expect(device("Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Safari/537.36"), "tablet")
  expect(device("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605 Mobile/15E148"), "tablet")
  expect(device("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), "bot")
  expect(device("HbbTV/1.4.1 (+DRM;Maker;X1;1.0)"), "tv")
end)

test("knows each by its word", function()
  local words = {
    bot = { "Bot", "Crawler", "spider", "Slurp", "facebookexternalhit" },
    tv = { "Smart-TV", "SmartTV", "GoogleTV", "AppleTV", "HbbTV", "Roku" },
    tablet = { "iPad", "Tablet", "Kindle", "Silk/", "PlayBook", "Android" },
    mobile = { "Mobi", "iPhone", "iPod", "Opera Mini", "BlackBerry", "IEMobile" },
    desktop = { "a tv", "silk", "SmartXTV" },
  }
  for kind, names in pairs(words) do
    for _, name in ipairs(names) do expect({ name, device("x/1 (" .. name .. ") y") }, { name, kind }) end
  end
end)

test("takes silence for a desktop", function() expect(device(nil), "desktop") end)

test("overwrites what the viewer claims", function()
  local r = run("viewer_request", { headers = { ["x-device"] = "tv", ["user-agent"] = "curl/8" } })
  expect(r.request.headers["x-device"], "desktop")
end)

test("writes another header if told to", function()
  local r = run("viewer_request", { options = { header = "x-kind" } })
  expect(r.request.headers["x-kind"], "desktop")
  expect(r.request.headers["x-device"], nil)
  expect_match(fails("viewer_request", { options = { header = 1 } }).message, "options.header")
end)
