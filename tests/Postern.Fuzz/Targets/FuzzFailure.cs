using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Postern.Fuzz.Targets;

/// <summary>A promise that the code under test did not keep.</summary>
public sealed class FuzzFailure(string message) : Exception(message)
{
    /// <summary>Throws unless the promise was kept.</summary>
    public static void Unless(bool kept, string promise)
    {
        if (!kept)
            throw new FuzzFailure(promise);
    }

    /// <summary>Throws unless the promise was kept; the text is made only then.</summary>
    public static void Unless(bool kept, [InterpolatedStringHandlerArgument(nameof(kept))] ref Promise promise)
    {
        if (!kept)
            throw new FuzzFailure(promise.ToString());
    }

    /// <summary>An interpolated string that costs nothing as long as all is well.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Promise
    {
        private readonly StringBuilder? _text;

        /// <summary>Called by the compiler.</summary>
        public Promise(int literalLength, int formattedCount, bool kept, out bool isBroken)
        {
            isBroken = !kept;
            _text = kept ? null : new StringBuilder(literalLength + 16 * formattedCount);
        }

        /// <summary>Called by the compiler.</summary>
        public void AppendLiteral(string text) => _text?.Append(text);

        /// <summary>Called by the compiler.</summary>
        public void AppendFormatted<T>(T value, string? format = null) =>
            _text?.Append(value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString());

        /// <inheritdoc />
        public override string ToString() => _text?.ToString() ?? "";
    }
}
