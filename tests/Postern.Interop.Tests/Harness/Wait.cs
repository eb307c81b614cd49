using System.Diagnostics;

namespace Postern.Interop.Tests.Harness;

/// <summary>Waits for conditions; a deadline only bounds a test that fails.</summary>
internal static class Wait
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public static void Until(Func<bool> condition, Func<string> otherwise, TimeSpan? patience = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > (patience ?? Patience))
                Assert.Fail(otherwise());
            Thread.Sleep(20);
        }
    }
}
