using Postern.Core;

namespace Postern.Fuzz.Targets;

/// <summary>Counts warnings, and lets none be out of all proportion.</summary>
internal sealed class CountingSink(int longest) : IWarningSink
{
    public int Count { get; private set; }

    public void Warn(string text)
    {
        Count++;
        FuzzFailure.Unless(text.Length <= longest, $"a warning of {text.Length} characters");
        FuzzFailure.Unless(!text.AsSpan().ContainsAnyExceptInRange('\0', '\xff'), $"a warning that is not made of bytes: {text}");
    }
}
