using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;

namespace GlobalCache.Master.Dashboard;

/// <summary>HTML made before, to be put into other HTML as it is.</summary>
internal sealed record Raw(string Html);

/// <summary>HTML as it is written: whatever is put into it by interpolation is text, and can be nothing else, unless it is HTML itself. Without line breaks, as an event's data has to be.</summary>
internal sealed class Html
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds HTML with values in it.</summary>
    public Html Add([InterpolatedStringHandlerArgument("")] ref Writer html) => this;

    public override string ToString() => _text.ToString();

    [InterpolatedStringHandler]
    internal readonly ref struct Writer(int literalLength, int formattedCount, Html into)
    {
        public void AppendLiteral(string html) => into._text.Append(html);

        public void AppendFormatted(Html html) => into._text.Append(html._text);

        public void AppendFormatted(Raw html) => into._text.Append(html.Html);

        public void AppendFormatted(string? text) => into._text.Append(HtmlEncoder.Default.Encode(text ?? ""));

        public void AppendFormatted<T>(T value, string? format = null) where T : IFormattable => AppendFormatted(value.ToString(format, CultureInfo.InvariantCulture));

        public override string ToString() => $"{literalLength}/{formattedCount}";
    }
}
