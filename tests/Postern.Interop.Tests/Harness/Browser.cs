using System.Runtime.CompilerServices;
using Microsoft.Playwright;

namespace Postern.Interop.Tests.Harness;

/// <summary>Chromium with one page, and what went wrong on it: script errors, violations of its policy, requests to other places.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly List<string> _problems = [];

    private Browser(IPlaywright playwright, IBrowser browser, IPage page, string origin)
    {
        (_playwright, _browser, Page, Origin) = (playwright, browser, page, origin);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning" && !message.Text.Contains("Failed to load resource", StringComparison.Ordinal))
                _problems.Add($"console: {message.Text}");
        };
        page.PageError += (_, error) => _problems.Add($"script: {error}");
        page.Dialog += (_, dialog) => _problems.Add($"dialog: {dialog.Message}");
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(origin, StringComparison.Ordinal))
                _problems.Add($"request to {request.Url}");
        };
    }

    public IPage Page { get; }

    /// <summary>Such as <c>http://127.0.0.1:8025</c>.</summary>
    public string Origin { get; }

    /// <summary>Everything that should not have happened.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Opens a page, or skips the test where there is no Chromium.</summary>
    /// <param name="isDark">Whether its user likes it dark.</param>
    /// <param name="width">Of the window, in CSS pixels; 390 is a phone.</param>
    public static async Task<Browser> OpenAsync(int port, string fragment = "", bool isDark = false, int width = 1200)
    {
        Tool.Require("chromium");
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Tool.Find("chromium"), Args = ["--no-sandbox"] });
        var context = await browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = 900 },
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light,
            DeviceScaleFactor = width < 500 ? 2 : 1,
            Locale = "en-GB",
            TimezoneId = "UTC",
        });
        context.SetDefaultTimeout(30_000);
        var one = new Browser(playwright, browser, await context.NewPageAsync(), $"http://127.0.0.1:{port}");
        await one.Page.GotoAsync($"{one.Origin}/{fragment}");
        return one;
    }

    /// <summary>A page wider than its window has to be pushed about on a phone.</summary>
    public async Task<bool> FitsAsync() => await Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth");

    /// <summary>For the documentation; only when that is asked for with <c>POSTERN_UPDATE</c>.</summary>
    public async Task KeepPictureAsync(string name, int? height = null, [CallerFilePath] string here = "")
    {
        if (Environment.GetEnvironmentVariable("POSTERN_UPDATE") is not { Length: > 0 })
            return;
        var path = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "docs", "images", name + ".png");
        await Page.ScreenshotAsync(new() { Path = path, FullPage = height is null, Clip = height is { } most ? new() { X = 0, Y = 0, Width = Page.ViewportSize!.Width, Height = most } : null });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.CloseAsync();
        _playwright.Dispose();
    }
}
