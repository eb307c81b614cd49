using System.Globalization;

namespace Postern.Receiver;

/// <summary>
/// Makes message names that look like Postfix's short queue ids, 12 upper-case hexadecimal digits: five for the
/// microsecond, seven of a counter, so that no two of this process are alike.
/// </summary>
internal sealed class QueueIds(TimeProvider clock)
{
    // Starts from the time, so that a restart does not begin with the names of the run before.
    private int _counter = (int)(clock.GetUtcNow().ToUnixTimeSeconds() & 0xfff_ffff);

    /// <summary>May be called by several threads.</summary>
    public string Next()
    {
        var microsecond = clock.GetUtcNow().Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond;
        return string.Create(CultureInfo.InvariantCulture, $"{microsecond:X5}{Interlocked.Increment(ref _counter) & 0xfff_ffff:X7}");
    }
}
