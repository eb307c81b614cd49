using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Postern.Dashboard;

/// <summary>The page for people and what it asks for. It reads; what it has changed needs the token of somebody.</summary>
/// <param name="channel">Brings the connections.</param>
/// <param name="facts">What the page shows.</param>
/// <param name="reports">What it shows of the past.</param>
/// <param name="secrets">What nobody is shown.</param>
internal sealed class DashboardServer(Socket channel, DashboardFacts facts, LogReports reports, SecretLists secrets)
{
    private const long LongestIdle = 10 * 60 * 1000; // milliseconds without a new connection and without an open one
    private const int MaxConnections = 64;
    private const int MaxLive = 48; // the other connections are for the page and its answers
    private const int MaxLiveEach = 24;
    private const int MaxWrongTokens = 16; // that wait for their answer
    private const int TurnedAwayFor = 10_000; // milliseconds
    private const string Bearer = "Bearer "; // RFC 6750 §2.1
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly LiveReaders _live = new(MaxLive, MaxLiveEach);
    private int _wrongTokens;
    private int _open;

    /// <summary>Serves until the daemon closes the channel, or nobody has come for a while.</summary>
    public void Run()
    {
        using var stop = new CancellationTokenSource();
        var connections = new PassedConnections(channel, stop.Cancel);
        // Empty: the other builders look for settings in files of the content root, and watch all that is below it for changes.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { Args = [], ContentRootPath = "/" });
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton<IConnectionListenerFactory>(connections);
        builder.WebHost.ConfigureKestrel(static options =>
        {
            options.AddServerHeader = false;
            options.Listen(IPAddress.Loopback, 0); // a name only: the connections come through the channel
            options.Limits.MaxConcurrentConnections = MaxConnections;
            options.Limits.MaxRequestBodySize = 4096;
            options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        });
        using var app = builder.Build();
        app.Use(Guard);
        foreach (var (path, resource) in DashboardFiles.All)
            app.MapGet(path, context => Send(context, resource.ContentType, resource.Bytes));
        app.MapGet("/live", Live);
        app.MapGet("/api/refusals", async context =>
        {
            var search = context.Request.Query["q"].ToString();
            await SendJson(context, await Task.Run(() => facts.Refusals(search)).ConfigureAwait(false)).ConfigureAwait(false);
        });
        app.MapGet("/api/configuration", context => SendJson(context, facts.Configuration()));
        app.MapGet("/api/access", context => SendJson(context, facts.Access()));
        app.MapPost("/api/access", Change);
        app.MapGet("/api/report", async context =>
        {
            var days = int.TryParse(context.Request.Query["days"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? Math.Clamp(number, 1, LogReports.MostDays) : 1;
            await SendJson(context, await Task.Run(() => reports.Of(days)).ConfigureAwait(false)).ConfigureAwait(false);
        });
        app.StartAsync(stop.Token).GetAwaiter().GetResult();
        while (!stop.Token.WaitHandle.WaitOne(Interval))
        {
            if (Volatile.Read(ref _open) == 0 && Environment.TickCount64 - connections.LastCame > LongestIdle)
                break;
        }

        using var patience = new CancellationTokenSource(Interval);
        app.StopAsync(patience.Token).GetAwaiter().GetResult();
    }

    // Only pages of our own may ask, and only under a name that is ours: a foreign name that leads to our address must not.
    private async Task Guard(HttpContext context, RequestDelegate next)
    {
        Interlocked.Increment(ref _open);
        try
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            headers.XContentTypeOptions = "nosniff";
            headers.CacheControl = "no-store";
            headers.Connection = "close"; // the next request may be one that the daemon answers itself
            headers["Referrer-Policy"] = "no-referrer";
            if (IsOurs(context.Request.Host.Host))
            {
                await next(context).ConfigureAwait(false);
                return;
            }

            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            await Send(context, "text/plain; charset=utf-8", "Use the address of postern_http, or localhost.\n"u8.ToArray()).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private static bool IsOurs(string host) => IPAddress.TryParse(host.Trim('[', ']'), out _) || host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private async Task Live(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        var gone = context.RequestAborted;
        var reader = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (_live.TryEnter(reader) is { } refusal)
        {
            // Not an error's status, of which the browser would not tell the page why.
            await context.Response.WriteAsync($"retry: {TurnedAwayFor}\ndata: {DashboardFacts.Problem(refusal)}\n\n", Encoding.UTF8, gone).ConfigureAwait(false);
            return;
        }

        try
        {
            while (!gone.IsCancellationRequested)
            {
                var line = secrets.HideIn(await Task.Run(facts.Now, gone).ConfigureAwait(false));
                await context.Response.WriteAsync($"data: {line}\n\n", Encoding.UTF8, gone).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(gone).ConfigureAwait(false);
                await Task.Delay(Interval, gone).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            _live.Leave(reader);
        }
    }

    // {"action":"allow","network":"192.0.2.7"} with the token in the header, which no other site can have a browser send.
    private async Task Change(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith(Bearer, StringComparison.Ordinal) ? header[Bearer.Length..].Trim() : "";
        if (await FindName(context, token).ConfigureAwait(false) is not { } who)
            return;
        try
        {
            using var request = await JsonDocument.ParseAsync(context.Request.Body).ConfigureAwait(false);
            var action = request.RootElement.GetProperty("action").GetString() ?? "";
            var answer = action == "check" ? $$"""{"done":"{{who}}"}""" : facts.Change(action, request.RootElement.GetProperty("network").GetString() ?? "", who);
            await SendJson(context, answer).ConfigureAwait(false);
        }
        catch (Exception bad) when (bad is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await SendJson(context, DashboardFacts.Problem("""write {"action":"allow","network":"192.0.2.7"}""")).ConfigureAwait(false);
        }
    }

    // Who has a token never waits for those who guess.
    private async Task<string?> FindName(HttpContext context, string token)
    {
        var who = facts.FindName(token, out var problem);
        if (who is not null)
            return who;
        if (problem is not null)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            await SendJson(context, DashboardFacts.Problem(problem)).ConfigureAwait(false);
            return null;
        }

        if (context.Connection.RemoteIpAddress is { } from && Core.IpAddress.TryParse(from.ToString(), out var address))
            await Task.Run(() => facts.TellWrongToken(address)).ConfigureAwait(false);
        var areTooMany = Interlocked.Increment(ref _wrongTokens) > MaxWrongTokens;
        try
        {
            if (!areTooMany) // each holds a connection
                await Task.Delay(Interval, context.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _wrongTokens);
        }

        context.Response.StatusCode = areTooMany ? StatusCodes.Status429TooManyRequests : StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = "Bearer";
        await SendJson(context, DashboardFacts.Problem("this token is nobody's")).ConfigureAwait(false);
        return null;
    }

    private Task SendJson(HttpContext context, string json) => Send(context, "application/json; charset=utf-8", Encoding.UTF8.GetBytes(secrets.HideIn(json)));

    private static Task Send(HttpContext context, string contentType, byte[] bytes)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }
}
