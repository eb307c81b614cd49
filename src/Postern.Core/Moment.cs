using Postern.Core.Allowlist;

namespace Postern.Core;

/// <summary>When an event happens, and in which mood the service is.</summary>
/// <param name="Now">Wall-clock time.</param>
/// <param name="UnderStress">Whether the stress values of <c>postscreen_greet_wait</c> and <c>postscreen_command_time_limit</c> are in force.</param>
public readonly record struct Moment(DateTimeOffset Now, bool UnderStress)
{
    /// <summary>Whole seconds since 1970 UTC, the unit of every expiry.</summary>
    public uint UnixSeconds => CacheRecord.Seconds(Now);
}
