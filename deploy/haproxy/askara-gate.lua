-- Asks askara-gate whether a request may pass: see haproxy.cfg.

local question = "http://askara-gate/oauth2/ext_authz"
local way = "abns@askara-gate" -- `listen questions` of haproxy.cfg, with its time limits

-- What the app is told, and nothing that the gateway does not say. (It states the visitor's cookies
-- without its own, which are none of the app's business.) Headers that your routes add
-- (`request_headers` of a route) belong here too. For an app that reads the visitor's own Authorization, leave
-- that one out.
local told = {
	"authorization", "cookie",
	"x-forwarded-user", "x-forwarded-email", "x-forwarded-groups",
	"x-forwarded-preferred-username", "x-forwarded-access-token",
	"x-auth-request-user", "x-auth-request-email", "x-auth-request-groups",
	"x-auth-request-preferred-username", "x-auth-request-access-token",
	"x-askara-organization", "x-askara-provider", "x-askara-assertion",
}

local hop_by_hop = {
	["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true,
	["keep-alive"] = true, ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true,
}

-- The values of a header as a list: HAProxy counts them from 0.
local function lines(values)
	return values and table.move(values, 0, #values, 1, {}) or {}
end

local function asked(txn)
	local headers = {}
	for name, values in pairs(txn.http:req_get_headers()) do
		if not hop_by_hop[name] then headers[name] = lines(values) end
	end
	headers["x-forwarded-method"] = { txn.f:method() }
	-- As it came, undecoded; the app gets the same.
	headers["x-forwarded-uri"] = { txn.f:pathq() }
	return headers
end

local function pass(txn, answer)
	for _, name in ipairs(told) do
		txn.http:req_del_header(name)
		for _, value in ipairs(lines(answer.headers[name])) do
			txn.http:req_add_header(name, value)
		end
	end
	for at, line in ipairs(lines(answer.headers["set-cookie"])) do
		txn:set_var("txn.askara_cookie_" .. at, line)
	end
	txn:set_var("txn.askara", "yes")
end

local function refuse(txn, answer)
	local reply = txn:reply { status = answer.status, reason = answer.reason }
	for name, values in pairs(answer.headers) do
		if not hop_by_hop[name] then
			for _, value in ipairs(lines(values)) do reply:add_header(name, value) end
		end
	end
	reply:set_body(answer.body or "")
	txn:done(reply)
end

core.register_action("askara_gate", { "http-req" }, function(txn)
	local answer = core.httpclient():get {
		url = question, dst = way, headers = asked(txn), timeout = 10000,
	}
	if answer.status == 200 then
		pass(txn, answer)
	elseif answer.status ~= 0 and answer.status ~= 504 then
		refuse(txn, answer)
	end
	-- Nothing, or HAProxy's own 504, is no answer: haproxy.cfg makes it a 503.
end)
