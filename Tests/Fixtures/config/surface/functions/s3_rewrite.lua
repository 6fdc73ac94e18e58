return { origin_request = function(event) end }
