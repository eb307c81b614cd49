using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;

namespace Postern.Storage;

/// <summary>What the configuration says about how long passes are kept; a reload brings a new one.</summary>
/// <param name="Enabled">The tests that are on: a record without a live pass in one of them is not worth keeping.</param>
/// <param name="Lifetimes">How long passes count at most.</param>
/// <param name="Retention"><c>postscreen_cache_retention_time</c>.</param>
/// <param name="CleanupInterval"><c>postscreen_cache_cleanup_interval</c>; zero: never.</param>
internal sealed record AllowlistPolicy(EnabledTests Enabled, PassLifetimes Lifetimes, TimeSpan Retention, TimeSpan CleanupInterval)
{
    /// <summary>What the configuration of a service says.</summary>
    public static AllowlistPolicy Of(Settings settings) => new(
        ScreeningTest.EnabledIn(settings), ScreeningTest.LifetimesIn(settings), settings.CacheRetentionTime, settings.CacheCleanupInterval);
}
