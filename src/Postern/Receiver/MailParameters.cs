using System.Globalization;

namespace Postern.Receiver;

/// <summary>The <c>name=value</c> words after the path of MAIL and RCPT.</summary>
internal static class MailParameters
{
    private const string TooBig = "552 5.3.4 Message size exceeds fixed limit";

    /// <summary>Checks those of MAIL: SIZE (RFC 1870) and BODY (RFC 6152).</summary>
    /// <param name="sizeLimit">Bytes; 0 = none.</param>
    /// <returns>The reply to refuse with; null when all are fine.</returns>
    public static string? Check(ReadOnlySpan<char> parameters, long sizeLimit)
    {
        foreach (var part in parameters.Split(' '))
        {
            var parameter = parameters[part];
            var refusal = parameter switch
            {
                _ when parameter.IsEmpty => null,
                _ when parameter.StartsWith("SIZE=", StringComparison.OrdinalIgnoreCase) => CheckSize(parameter[5..], sizeLimit),
                _ when parameter.Equals("BODY=7BIT", StringComparison.OrdinalIgnoreCase) => null,
                _ when parameter.Equals("BODY=8BITMIME", StringComparison.OrdinalIgnoreCase) => null,
                _ => Unsupported(parameter),
            };
            if (refusal is not null)
                return refusal;
        }

        return null;
    }

    /// <summary>Refuses a parameter, or the first of several.</summary>
    public static string Unsupported(ReadOnlySpan<char> parameters)
    {
        var end = parameters.IndexOf(' ');
        return $"555 5.5.4 Unsupported option: {(end < 0 ? parameters : parameters[..end])}";
    }

    private static string? CheckSize(ReadOnlySpan<char> digits, long limit)
    {
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            return "501 5.5.4 Bad message size syntax";
        var isHuge = !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var size);
        return isHuge || (limit > 0 && size > limit) ? TooBig : null;
    }
}
